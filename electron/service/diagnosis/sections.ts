import type { HealthChange, HealthMetric, HealthProcess, HealthWorker } from '../../shared/api/health.ts'
import type { Gap, MachineHistory } from '../../shared/api/machine.ts'
import type { Overview } from '../../shared/api/overview.ts'
import type { ServiceInfo } from '../../shared/api/service.ts'
import { byteText } from '../../shared/health-words.ts'
import { wordDuration } from '../../shared/time-text.ts'
import { causeWords, gapKindWords, presences, presenceWords } from '../../shared/vocabulary.ts'
import { timeWords, type Section } from './document.ts'

/** What a diagnosis says of each room. Pure. */

/** Everything a diagnosis is made of. */
export interface Facts {
  readonly overview: Overview
  /** The row of `Hardware_system`; empty where it is not known. */
  readonly system: Readonly<Record<string, unknown>>
  readonly metrics: readonly HealthMetric[]
  readonly workers: readonly HealthWorker[]
  readonly processes: readonly HealthProcess[]
  readonly changes: { readonly since: string; readonly all: readonly HealthChange[] } | null
  readonly history: MachineHistory
  readonly gaps: readonly Gap[]
  readonly incidents: readonly {
    readonly room: string
    readonly name: string
    readonly text: string
    readonly opened: string
    readonly closed: string | null
  }[]
  readonly crashes: readonly { readonly frame: string; readonly crashes: number; readonly last: string }[]
  readonly service: ServiceInfo
}

const mostRows = 40

/** Returns the sections of a diagnosis, what is wrong first. */
export function sectionsOf(facts: Facts): Section[] {
  return [
    problems(facts),
    machine(facts),
    figures(facts),
    processes(facts),
    changes(facts),
    incidents(facts),
    stops(facts),
    crashes(facts),
    unmeasured(facts),
    service(facts),
  ].filter((section): section is Section => section !== null)
}

function problems({ overview: { problems: all, rooms } }: Facts): Section {
  return {
    title: 'Wrong now',
    lines: all.length === 0 ? ['Nothing that Watchkeeper watches.', ...rooms.map(({ text }) => text)] : [],
    ...(all.length > 0 && {
      table: {
        columns: ['What', 'How', 'Since', 'In words'],
        rows: all.map(({ room, name, state, since, text }) => [
          `${room}: ${name}`,
          state,
          timeWords(since),
          text,
        ]),
      },
    }),
  }
}

function machine({ system, history: { figures: sums } }: Facts): Section {
  const known = Object.entries(system).filter(([, value]) => value !== null && value !== '')
  const shown = known.map(([key, value]): [string, string] => [
    key.replace(/_bytes$/, '').replaceAll('_', ' '),
    key.endsWith('_bytes') && typeof value === 'number' ? byteText(value) : textOf(value),
  ])
  const shares = presences.map((presence): [string, string] => [
    `${presenceWords[presence]}, 30 days`,
    `${sums.percent[presence].toFixed(2)} % (${wordDuration(sums.ms[presence])})`,
  ])
  return { title: 'Machine', table: { columns: ['What', 'Is'], rows: [...shown, ...shares] } }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

function figures({ metrics }: Facts): Section | null {
  if (metrics.length === 0) return null
  return {
    title: 'Figures',
    table: {
      columns: ['What', 'Value', 'Level', 'Careful', 'Warning', 'Critical'],
      rows: metrics.map(({ name, text, level, limits, isStale, at }) => [
        name,
        isStale && at !== null ? `${text} (at ${timeWords(at)})` : text,
        level,
        ...([limits.careful, limits.warning, limits.critical] as const).map((limit) =>
          limit === null ? '' : String(limit),
        ),
      ]),
    },
  }
}

function processes({ processes: all }: Facts): Section | null {
  if (all.length === 0) return null
  return {
    title: 'Who takes the most',
    table: {
      columns: ['Most', 'Process', 'Id', 'User', 'Processor', 'Memory'],
      rows: all.map(({ top, process: name, pid, user, cpu, bytes }) => [
        top === 'cpu' ? 'processor time' : 'memory',
        name,
        String(pid),
        user,
        cpu === null ? '' : `${cpu} %`,
        byteText(bytes),
      ]),
    },
  }
}

function changes({ changes: found }: Facts): Section | null {
  if (found === null) return null
  const rows = found.all
    .slice(0, mostRows)
    .map(({ area, what, how, before, after }) => [area, what, how, before, after])
  const rest = found.all.length - rows.length
  return {
    title: `What changed since ${timeWords(found.since)}`,
    lines: [
      ...(rows.length === 0
        ? ['Nothing that is looked at: packages, drivers, hardware, services, disks.']
        : []),
      ...(rest > 0 ? [`The first ${rows.length} of ${found.all.length}:`] : []),
    ],
    ...(rows.length > 0 && { table: { columns: ['Where', 'What', 'How', 'Before', 'After'], rows } }),
  }
}

function incidents({ incidents: all }: Facts): Section {
  return {
    title: 'Incidents of the last 7 days',
    ...(all.length === 0
      ? { lines: ['None.'] }
      : {
          table: {
            columns: ['Opened', 'Closed', 'What', 'In words'],
            rows: all
              .slice(0, mostRows)
              .map(({ room, name, text, opened, closed }) => [
                timeWords(opened),
                closed === null ? 'open' : timeWords(closed),
                `${room}: ${name}`,
                text,
              ]),
          },
        }),
  }
}

function stops({ gaps }: Facts): Section {
  return {
    title: 'Stops of this machine in the last 30 days',
    ...(gaps.length === 0
      ? { lines: ['None.'] }
      : {
          table: {
            columns: ['From', 'For', 'What', 'Cause', 'Evidence'],
            rows: gaps.map(({ from, durationMs, kind, cause, evidence }) => [
              timeWords(from),
              wordDuration(durationMs),
              gapKindWords[kind],
              cause === null ? '' : causeWords[cause],
              evidence[0]?.text ?? '',
            ]),
          },
        }),
  }
}

function crashes({ crashes: all }: Facts): Section | null {
  if (all.length === 0) return null
  return {
    title: 'Crashes of the last 7 days, by guilty frame',
    table: {
      columns: ['Crashes', 'Last', 'Guilty frame'],
      rows: all.map(({ frame, crashes: count, last }) => [String(count), timeWords(last), frame]),
    },
  }
}

function unmeasured({ workers }: Facts): Section | null {
  const rows = workers.flatMap(({ functions }) =>
    functions.filter(({ state }) => state === 'failed').map(({ name, why }) => [name, why]),
  )
  return rows.length === 0
    ? null
    : { title: 'What could not be measured', table: { columns: ['Function', 'Why'], rows } }
}

function service({
  service: { version, node, startedAt, databaseBytes, lastBackup, events },
}: Facts): Section {
  const open = events.filter(({ dismissed }) => !dismissed)
  return {
    title: 'Watchkeeper',
    lines: [
      `Version ${version} on Node ${node}, started ${timeWords(startedAt)}.`,
      `Its database has ${byteText(databaseBytes)}; the last backup was made ${lastBackup === null ? 'never' : timeWords(lastBackup)}.`,
      ...open.map(({ at, text }) => `${timeWords(at)}: ${text}`),
    ],
  }
}
