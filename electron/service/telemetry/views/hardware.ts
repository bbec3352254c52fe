import { compareVersions, machineCheckClasses, thermalClass } from '../../../shared/telemetry-words.ts'
import { ask, type Work } from '../../store/records/work.ts'
import { idWindow, type ReadEnv } from '../records/list.ts'
import { findTerm, textsOf } from '../records/terms.ts'
import type { Share } from './counts.ts'

/** Machine checks and heat, as the mcelog probes report them. */

const dayMs = 86_400_000
const mostListed = 50
const pieceSize = 2_000

/** Status of mcelog, as telemetrics' view reads it. */
const statusPattern = /([A-Fa-f0-9]{8}) MCGSTATUS/
const bankPattern = /\bBANK\s+(\d+)/

export interface WeekCount {
  /** First day (Sunday, UTC) of the week. */
  readonly week: string
  readonly name: string
  readonly records: number
}

export interface MachineChecks {
  readonly year: number
  readonly total: number
  readonly weeks: readonly WeekCount[]
  readonly days: readonly Share[]
  readonly builds: readonly (Share & { readonly build: string })[]
  readonly statuses: readonly Share[]
  readonly banks: readonly Share[]
  readonly machines: readonly Share[]
}

interface HardwareRow {
  readonly id: number
  readonly server_ms: number
  readonly classification_id: number
  readonly build_id: number
  readonly machine: string
  readonly text: string
}

/** Returns the machine checks of a calendar year (UTC, by server time). */
export function* machineChecks({ year }: { readonly year: number }, { terms }: ReadEnv): Work<MachineChecks> {
  const fromMs = Date.UTC(year, 0, 1)
  const toMs = Date.UTC(year + 1, 0, 1)
  const names = new Map<number, string>()
  for (const { name, word } of machineCheckClasses) {
    const id = yield* findTerm('classification', name)
    if (id !== null) names.set(id, word)
  }
  const counts = tallies('weeks', 'days', 'builds', 'statuses', 'banks', 'machines')
  let total = 0
  yield* eachRecord([...names.keys()], fromMs, toMs, true, function* (rows) {
    const texts = yield* textsOf(
      terms,
      rows.map(({ build_id }) => build_id),
    )
    for (const row of rows) {
      total += 1
      const word = names.get(row.classification_id) ?? ''
      counts.weeks(`${weekOf(row.server_ms)}\n${word}`)
      counts.days(new Date(row.server_ms).toISOString().slice(0, 10))
      counts.builds(`${texts.get(row.build_id) ?? ''}\n${word}`)
      counts.machines(row.machine)
      const status = statusOf(row.text)
      if (status !== undefined) counts.statuses(status.toLowerCase())
      const bank = bankPattern.exec(row.text)?.[1]
      if (bank !== undefined) counts.banks(bank)
    }
  })
  return {
    year,
    total,
    weeks: weekCounts(counts.of.weeks),
    days: [...counts.of.days].map(([name, records]) => ({ name, records })).sort(byName),
    builds: [...counts.of.builds]
      .map(([key, records]) => {
        const [build = '', name = ''] = key.split('\n')
        return { build, name, records }
      })
      .sort((a, b) => compareVersions(b.build, a.build) || byName(a, b)),
    statuses: most(counts.of.statuses),
    banks: most(counts.of.banks),
    machines: most(counts.of.machines),
  }
}

/** Searched line by line and from the end of the words, so that no text makes it try for long. */
function statusOf(text: string): string | undefined {
  const line = text.split('\n').find((one) => one.includes('STATUS') && one.includes(' MCGSTATUS'))
  return line === undefined ? undefined : statusPattern.exec(line.slice(line.indexOf('STATUS')))?.[1]
}

export interface Thermal {
  readonly total: number
  readonly weeks: readonly WeekCount[]
  readonly machines: readonly Share[]
  readonly builds: readonly Share[]
}

/** Weeks of the thermal view, as telemetrics has it. */
const thermalWeeks = 5

/** Returns how often machines were throttled for heat in the last five weeks. */
export function* thermal({ nowMs }: { readonly nowMs: number }, { terms }: ReadEnv): Work<Thermal> {
  const id = yield* findTerm('classification', thermalClass)
  const thisWeekMs = Date.parse(weekOf(nowMs))
  const fromMs = thisWeekMs - (thermalWeeks - 1) * 7 * dayMs
  const counts = tallies('weeks', 'machines', 'builds')
  let total = 0
  yield* eachRecord(id === null ? [] : [id], fromMs, Number.MAX_SAFE_INTEGER, false, function* (rows) {
    const texts = yield* textsOf(
      terms,
      rows.map(({ build_id }) => build_id),
    )
    for (const row of rows) {
      total += 1
      counts.weeks(`${weekOf(row.server_ms)}\nthermal`)
      counts.machines(row.machine)
      counts.builds(texts.get(row.build_id) ?? '')
    }
  })
  // A week in which nothing was too hot is shown as well.
  for (let week = 0; week < thermalWeeks; week += 1) {
    const key = `${weekOf(fromMs + week * 7 * dayMs)}\nthermal`
    if (!counts.of.weeks.has(key)) counts.of.weeks.set(key, 0)
  }
  return {
    total,
    weeks: weekCounts(counts.of.weeks),
    machines: most(counts.of.machines),
    builds: most(counts.of.builds),
  }
}

/** Hands out the records of classes in a window of server time, some at a time, class by class, newest first. */
function* eachRecord(
  classes: readonly number[],
  fromMs: number,
  toMs: number,
  withText: boolean,
  take: (rows: readonly HardwareRow[]) => Work<void>,
): Work<void> {
  const window = yield* idWindow({ receivedAfterMs: fromMs - 1, receivedBeforeMs: toMs })
  if (window === null) return
  for (const classId of classes) {
    let below: number | null = window.high
    while (below !== null) {
      const rows: readonly HardwareRow[] = yield* ask<HardwareRow>(
        `SELECT r.id, r.server_ms, r.classification_id, r.build_id, r.machine, ${withText ? 'substr(p.text, 1, 4000)' : "''"} AS text
         FROM record r ${withText ? 'JOIN payload p ON p.record_id = r.id' : ''}
         WHERE r.classification_id = ? AND r.id >= ? AND r.id < ? AND r.server_ms >= ? AND r.server_ms < ?
         ORDER BY r.id DESC LIMIT ?`,
        classId,
        window.low,
        below,
        fromMs,
        toMs,
        pieceSize,
      )
      yield* take(rows)
      below = rows.length < pieceSize ? null : (rows.at(-1)?.id ?? null)
    }
  }
}

/** Returns the Sunday (UTC) on which a week begins. */
function weekOf(ms: number): string {
  const day = new Date(ms)
  return new Date(Date.UTC(day.getUTCFullYear(), day.getUTCMonth(), day.getUTCDate() - day.getUTCDay()))
    .toISOString()
    .slice(0, 10)
}

function tallies<const Name extends string>(...names: readonly Name[]) {
  const of = Object.fromEntries(names.map((name) => [name, new Map<string, number>()])) as Record<
    Name,
    Map<string, number>
  >
  const add = Object.fromEntries(
    names.map((name) => [name, (key: string) => void of[name].set(key, (of[name].get(key) ?? 0) + 1)]),
  ) as Record<Name, (key: string) => void>
  return { ...add, of }
}

function weekCounts(counts: ReadonlyMap<string, number>): WeekCount[] {
  return [...counts]
    .map(([key, records]) => {
      const [week = '', name = ''] = key.split('\n')
      return { week, name, records }
    })
    .sort((a, b) => (a.week === b.week ? byName(a, b) : a.week < b.week ? -1 : 1))
}

function most(counts: ReadonlyMap<string, number>): Share[] {
  return [...counts]
    .map(([name, records]) => ({ name, records }))
    .sort((a, b) => b.records - a.records || byName(a, b))
    .slice(0, mostListed)
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0
}
