import { describe, expect, it } from 'vitest'
import { placeFlights } from '../../../electron/service/recorder/placement.ts'
import { clockFloorMs } from '../../../electron/shared/clock-floor.ts'
import type { FlightRow } from '../../../electron/service/recorder/schema.ts'

const minute = 60_000
const noon = Date.UTC(2026, 10, 21, 12)
let ids = 0
const place = (rows: readonly FlightRow[], nowMs = noon + 24 * 60 * minute) => placeFlights(rows, nowMs)

/** A flight of ours; `anchor` is what a trusted clock said at its end, if one did. */
function flight(overrides: Partial<FlightRow> & { lengthMs: number; endMs?: number }): FlightRow {
  ids += 1
  const { lengthMs, endMs, ...rest } = overrides
  return {
    id: ids,
    duration: lengthMs / 1_000,
    last_ts: (endMs ?? lengthMs) / 1_000,
    source: 'watchkeeper',
    boot_id: `boot-${ids}`,
    begin_boot_ms: 10_000,
    begin_monotonic_ms: 10_000,
    last_boot_ms: 10_000 + lengthMs,
    last_monotonic_ms: 10_000 + lengthMs,
    anchor_wall_ms: endMs ?? null,
    anchor_elapsed_ms: endMs === undefined ? null : lengthMs,
    clock_state: endMs === undefined ? 'untrusted' : 'plausible',
    interval_ms: 10_000,
    os: null,
    ended: null,
    ...rest,
  }
}

describe('placeFlights', () => {
  it('puts a flight with a trusted clock where that clock says', () => {
    const [placed] = place([flight({ lengthMs: 10 * minute, endMs: noon })])
    expect(placed).toMatchObject({ beginMs: noon - 10 * minute, endMs: noon, placedBy: 'clock', errorMs: 0 })
  })

  it('puts a flight that never saw the time between its neighbours, with an error bar', () => {
    const [first, lost, third] = place([
      flight({ lengthMs: 10 * minute, endMs: noon }),
      flight({ lengthMs: 10 * minute }),
      flight({ lengthMs: 10 * minute, endMs: noon + 60 * minute }),
    ])
    // Between noon and 12:50 lie 10 minutes of flight and 40 minutes of room.
    expect(lost).toMatchObject({
      beginMs: noon + 20 * minute,
      endMs: noon + 30 * minute,
      errorMs: 20 * minute,
      placedBy: 'neighbours',
      clock: 'untrusted',
    })
    expect(first?.endMs).toBeLessThan(lost?.beginMs ?? 0)
    expect(third?.beginMs).toBeGreaterThan(lost?.endMs ?? 0)
  })

  it('puts a flight without a later neighbour right after the one before, never in 1970', () => {
    const placed = place([flight({ lengthMs: 10 * minute, endMs: noon }), flight({ lengthMs: minute })])
    // It booted anew, so it began no sooner than its boot clock says.
    expect(placed[1]).toMatchObject({ beginMs: noon + 10_000, endMs: noon + minute + 10_000, errorMs: null })
  })

  it('moves all flights of a boot when its clock is set at last', () => {
    const [early, late] = place([
      flight({ lengthMs: 5 * minute, boot_id: 'pi', begin_boot_ms: 10_000 }),
      flight({ lengthMs: 5 * minute, boot_id: 'pi', begin_boot_ms: 10_000 + 20 * minute, endMs: noon }),
    ])
    expect(late).toMatchObject({ beginMs: noon - 5 * minute })
    expect(early).toMatchObject({
      beginMs: noon - 25 * minute,
      endMs: noon - 20 * minute,
      errorMs: 0,
      placedBy: 'boot',
      clock: 'plausible',
    })
  })

  it('believes the clocks that agree: one flight in the far future does not spoil the others', () => {
    const future = noon + 10 * 365 * 24 * 60 * minute
    const placed = place([
      flight({ lengthMs: minute, endMs: noon }),
      flight({ lengthMs: minute, endMs: future }),
      flight({ lengthMs: minute, endMs: noon + 10 * minute }),
      flight({ lengthMs: minute, endMs: noon + 20 * minute }),
    ])
    expect(placed.map(({ clock }) => clock)).toEqual(['plausible', 'untrusted', 'plausible', 'plausible'])
    expect(placed[1]?.beginMs).toBeGreaterThanOrEqual(noon)
    expect(placed[1]?.endMs).toBeLessThanOrEqual(noon + 10 * minute)
  })

  it('does not believe a clock that is ahead of the present, unless the present clock is wrong itself', () => {
    const ahead = noon + 10 * 365 * 24 * 60 * minute
    const rows = [
      flight({ lengthMs: minute, endMs: noon }),
      flight({ lengthMs: minute, endMs: ahead }),
      flight({ lengthMs: minute, endMs: noon + 10 * minute }),
    ]
    expect(place(rows).map(({ clock }) => clock)).toEqual(['plausible', 'untrusted', 'plausible'])
    expect(place(rows.slice(0, 2), 5_000).map(({ clock }) => clock)).toEqual(['plausible', 'plausible'])
  })

  it('believes a synchronised clock more than any number of others', () => {
    const placed = place([
      flight({ lengthMs: minute, endMs: noon + 50 * minute }),
      flight({ lengthMs: minute, endMs: noon + 60 * minute }),
      flight({ lengthMs: minute, endMs: noon, clock_state: 'synchronised' }),
    ])
    expect(placed.map(({ clock }) => clock)).toEqual(['untrusted', 'untrusted', 'synchronised'])
  })

  it('places flight-recorder’s rows where they say, but for clocks that were never set', () => {
    const row = (end: number) =>
      flight({ lengthMs: minute, endMs: end, source: null, boot_id: null, begin_boot_ms: null })
    const placed = place([row(clockFloorMs), row(100 * 1_000), row(clockFloorMs + 60 * minute)])
    expect(placed.map(({ placedBy }) => placedBy)).toEqual(['clock', 'neighbours', 'clock'])
    expect(placed[1]?.beginMs).toBeGreaterThanOrEqual(clockFloorMs)
  })

  it('has nothing better than an unset clock when there is no other flight', () => {
    expect(place([flight({ lengthMs: minute })])[0]).toMatchObject({ beginMs: 0, errorMs: null })
  })
})
