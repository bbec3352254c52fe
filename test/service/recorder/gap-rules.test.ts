import { describe, expect, it } from 'vitest'
import {
  classifyGap,
  type GapAfter,
  type GapBefore,
  type StopEvidence,
  type StopFact,
} from '../../../electron/service/recorder/gap-rules.ts'

const hour = 3_600_000
const end = Date.UTC(2026, 5, 1)
const begin = end + 8 * hour
const boots = { first: 'boot-1', second: 'boot-2' }

const before = (overrides: Partial<GapBefore> = {}): GapBefore => ({
  endMs: end,
  bootId: boots.first,
  lastBootMs: hour,
  lastMonotonicMs: hour,
  intervalMs: 10_000,
  ended: null,
  isMachineRun: false,
  sample: null,
  ...overrides,
})
const after = (overrides: Partial<GapAfter> = {}): GapAfter => ({
  beginMs: begin,
  bootId: boots.second,
  beginBootMs: 20_000,
  beginMonotonicMs: 20_000,
  isMachineRun: false,
  ...overrides,
})
const sameBoot = (slept = 0): GapAfter =>
  after({ bootId: boots.first, beginBootMs: hour + 8 * hour, beginMonotonicMs: hour + 8 * hour - slept })
const fact = (name: StopFact, atMs: number | null = end): StopEvidence => ({
  source: 'journal',
  atMs,
  fact: name,
  text: `text of ${name}`,
})
const onBattery = (battery: number) => ({
  load: 1,
  memoryFree: 1,
  memoryTotal: 2,
  power: 'battery' as const,
  battery,
})

describe('the verdict on a gap', () => {
  it.each<[string, GapBefore, GapAfter, StopEvidence[], string, string, string | null, string | null]>([
    [
      'a restart of the recorder',
      before({ ended: 'SIGTERM' }),
      sameBoot(),
      [],
      'recorder-off',
      'certain',
      null,
      null,
    ],
    ['a kill of the recorder', before(), sameBoot(), [], 'recorder-off', 'certain', null, null],
    [
      'a kill in a sleep that filled the gap',
      before(),
      sameBoot(8 * hour - 5_000),
      [],
      'asleep',
      'certain',
      null,
      null,
    ],
    [
      'a stop that the recorder was told of',
      before({ ended: 'SIGTERM' }),
      after(),
      [],
      'off',
      'likely',
      'planned',
      'likely',
    ],
    [
      'a stop that the journal tells of',
      before({ ended: 'SIGTERM' }),
      after(),
      [fact('clean-stop')],
      'off',
      'certain',
      'planned',
      'certain',
    ],
    [
      'a shutdown after the recorder was killed',
      before(),
      after(),
      [fact('clean-stop', end + hour)],
      'off',
      'certain',
      'planned',
      'certain',
    ],
    [
      'an update',
      before({ ended: 'SIGTERM' }),
      after(),
      [fact('update'), fact('clean-stop')],
      'off',
      'certain',
      'update',
      'certain',
    ],
    [
      'heat with an orderly stop',
      before({ ended: 'SIGTERM' }),
      after(),
      [fact('heat'), fact('clean-stop')],
      'off',
      'certain',
      'heat',
      'certain',
    ],
    ['nothing known of a cut', before(), after(), [], 'crashed', 'likely', 'unknown', 'unknown'],
    ['a panic', before(), after(), [fact('panic', null)], 'crashed', 'certain', 'os-crash', 'certain'],
    [
      'a panic after a clean marker',
      before(),
      after(),
      [fact('clean-stop'), fact('panic')],
      'crashed',
      'certain',
      'os-crash',
      'certain',
    ],
    [
      'a log that just ends',
      before(),
      after(),
      [fact('log-ends')],
      'crashed',
      'certain',
      'power-loss',
      'likely',
    ],
    [
      'a held power button',
      before(),
      after(),
      [fact('power-button'), fact('unclean-boot')],
      'crashed',
      'certain',
      'power-button',
      'certain',
    ],
    [
      'an empty battery by the last stamp',
      before({ sample: onBattery(3) }),
      after(),
      [fact('log-ends')],
      'crashed',
      'certain',
      'battery-empty',
      'likely',
    ],
    [
      'a cut on battery that was not empty',
      before({ sample: onBattery(60) }),
      after(),
      [fact('log-ends')],
      'crashed',
      'certain',
      'unknown',
      'unknown',
    ],
    [
      'a failing disk',
      before(),
      after(),
      [fact('disk'), fact('log-ends')],
      'crashed',
      'certain',
      'disk',
      'likely',
    ],
    [
      'a recorder stopped by hand before',
      before({ ended: 'SIGINT' }),
      after(),
      [],
      'unknown',
      'unknown',
      null,
      null,
    ],
    [
      'Fast Startup, in which the boot id stays',
      before({ ended: 'SIGTERM' }),
      sameBoot(),
      [fact('hybrid-off', begin)],
      'off',
      'certain',
      'hybrid-off',
      'certain',
    ],
    [
      'evidence of another day',
      before(),
      after(),
      [fact('clean-stop', end - 24 * hour)],
      'crashed',
      'likely',
      'unknown',
      'unknown',
    ],
    [
      'flights without boot ids',
      before({ bootId: null }),
      after({ bootId: null, beginBootMs: null }),
      [],
      'unknown',
      'unknown',
      null,
      null,
    ],
    [
      'an old flight, and a boot before it ended',
      before({ bootId: null, lastBootMs: null }),
      after({ beginBootMs: 20 * hour }),
      [],
      'recorder-off',
      'likely',
      null,
      null,
    ],
    [
      'an old flight, and a boot after it ended',
      before({ bootId: null }),
      after(),
      [],
      'crashed',
      'likely',
      'unknown',
      'unknown',
    ],
    [
      'an imported run that ended clean',
      before({ bootId: null, isMachineRun: true, ended: 'clean' }),
      after({ isMachineRun: true, bootId: null }),
      [],
      'off',
      'certain',
      'planned',
      'likely',
    ],
    [
      'an imported run that crashed',
      before({ bootId: null, isMachineRun: true, ended: 'unclean' }),
      after({ isMachineRun: true, bootId: null }),
      [],
      'crashed',
      'certain',
      'unknown',
      'unknown',
    ],
  ])('%s', (_name, left, right, evidence, kind, kindConfidence, cause, causeConfidence) => {
    const verdict = classifyGap(left, right, evidence)
    expect({ ...verdict, reasons: [], parts: [] }).toEqual({
      kind,
      kindConfidence,
      cause,
      causeConfidence,
      reasons: [],
      parts: [],
    })
    expect(verdict.reasons.length).toBeGreaterThan(0)
    expect(verdict.parts[0]?.fromMs).toBe(left.endMs)
    expect(verdict.parts.at(-1)?.toMs).toBe(right.beginMs)
  })

  it('counts as off only the time between the shutdown and the boot', () => {
    const verdict = classifyGap(before(), after({ beginBootMs: 2 * hour }), [fact('clean-stop', end + hour)])
    expect(verdict.parts).toEqual([
      { fromMs: end, toMs: end + hour, kind: 'recorder-off' },
      { fromMs: end + hour, toMs: begin - 2 * hour, kind: 'off' },
      { fromMs: begin - 2 * hour, toMs: begin, kind: 'recorder-off' },
    ])
  })

  it('does not take the shutdown before this boot for the end of it', () => {
    const late = before({ lastBootMs: 150_000, ended: null })
    const evidence = [fact('clean-stop', end - 160_000), fact('log-ends', end)]
    expect(classifyGap(late, after(), evidence)).toMatchObject({
      kind: 'crashed',
      kindConfidence: 'certain',
      cause: 'power-loss',
    })
  })

  it('counts a night with Fast Startup as off, though the boot clock ran on', () => {
    const boot = { bootId: 'booted-at:1000000' }
    const verdict = classifyGap(
      before({ ...boot, ended: 'SIGTERM' }),
      after({ ...boot, beginBootMs: 20 * hour }),
      [fact('hybrid-off', begin - 60_000)],
    )
    expect(verdict.parts).toEqual([
      { fromMs: end, toMs: begin - 60_000, kind: 'off' },
      { fromMs: begin - 60_000, toMs: begin, kind: 'recorder-off' },
    ])
  })

  it('does not take a drifting time of boot for another boot', () => {
    const verdict = classifyGap(
      before({ bootId: 'booted-at:1000000' }),
      after({ bootId: 'booted-at:1200000', beginBootMs: 9 * hour, beginMonotonicMs: 9 * hour }),
      [],
    )
    expect(verdict).toMatchObject({ kind: 'recorder-off', kindConfidence: 'likely' })
  })

  it('takes the word of a command for a stop that nothing else tells of', () => {
    expect(classifyGap(before(), after(), [fact('user-stop')])).toMatchObject({
      kind: 'off',
      kindConfidence: 'likely',
      cause: 'planned',
    })
    expect(classifyGap(before(), after(), [fact('user-stop'), fact('log-ends')])).toMatchObject({
      kind: 'crashed',
    })
  })

  it('tells sleep from the recorder being off in one gap', () => {
    expect(classifyGap(before({ ended: 'SIGTERM' }), sameBoot(3 * hour), []).parts).toEqual([
      { fromMs: end, toMs: end + 3 * hour, kind: 'asleep' },
      { fromMs: end + 3 * hour, toMs: begin, kind: 'recorder-off' },
    ])
  })
})
