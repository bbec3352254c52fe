/** The three nested reports of system-health-daemon: their shapes, their times and their text. Pure. */

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/** One object of a function's data. */
export type Row = Readonly<Record<string, Json>>

export interface FunctionReport {
  readonly name: string
  readonly datetime: string
  readonly data: readonly Row[]
}

export interface WorkerReport {
  readonly name: string
  readonly datetime: string
  readonly function_reports: readonly FunctionReport[]
}

export interface DaemonReport {
  readonly name: 'Daemon report'
  readonly datetime: string
  readonly worker_reports: readonly WorkerReport[]
}

/** Key of the one row of a function that failed; its value says why. */
export const errorKey = 'error'
/** Key of the one row of a function that has nothing to tell on this machine; its value says why. */
export const notOfferedKey = 'not_offered'

/** Returns what a function says that this machine does not have. */
export function notOffered(why: string): Row[] {
  return [{ [notOfferedKey]: why }]
}

/**
 * Returns a time as system-health-daemon writes it: local, without a zone, `YYYY-MM-DD HH:MM:SS.ffffff`, the fraction left out
 * when it is nought.
 */
export function seedTime(ms: number): string {
  const at = new Date(ms)
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${String(at.getFullYear()).padStart(4, '0')}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
  const micros = Math.floor((ms - Math.floor(ms / 1_000) * 1_000) * 1_000)
  return `${day} ${time}${micros === 0 ? '' : `.${String(micros).padStart(6, '0')}`}`
}

/** Returns a report as JSON with TAB indentation. */
export function reportJson(report: DaemonReport | WorkerReport): string {
  return JSON.stringify(report, null, '\t')
}

/** How much of a report its text holds: system-health-daemon's own lines, or everything. */
export type TextView = 'brief' | 'full'

/** Returns a whole report as text. `brief` has the first object of each worker's first function, as system-health-daemon's has. */
export function reportText(report: DaemonReport, view: TextView): string {
  const blocks = report.worker_reports.map((worker) => workerText(worker, view))
  return `\nDaemon report\nDate: ${report.datetime}\n${blocks.join('')}`
}

/** Returns a worker's report as text. */
export function workerText(
  { name, datetime, function_reports: functions }: WorkerReport,
  view: TextView,
): string {
  const [first, ...rest] = functions
  const head = `${name} report\nDate: ${datetime}\n${rowLines(first?.data[0])}`
  if (view === 'brief') return head
  const others = [
    ...(first && first.data.length > 1 ? [listed(first.name, first.data.slice(1))] : []),
    ...rest.map((one) => listed(one.name, one.data)),
  ]
  return head + others.join('')
}

function rowLines(row: Row | undefined): string {
  return Object.entries(row ?? {})
    .map(([key, value]) => `${key}: ${plain(value)}\n`)
    .join('')
}

function listed(name: string, rows: readonly Row[]): string {
  const lines = rows.map((row) =>
    Object.entries(row)
      .map(([key, value]) => `${key}: ${plain(value)}`)
      .join(', '),
  )
  return `${name}\n${(lines.length === 0 ? ['none'] : lines).map((line) => `  ${line}\n`).join('')}`
}

/** A value on one line, whatever a plug-in puts into it. */
function plain(value: Json): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
}

/** Returns a value of a row as text; empty where it has none. */
export function textAt(row: Row, key: string): string {
  const value = row[key]
  if (value === null || value === undefined) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** Returns a function's report in a report; undefined when it is not there. */
export function functionIn(report: DaemonReport | null, name: string): FunctionReport | undefined {
  for (const worker of report?.worker_reports ?? [])
    for (const one of worker.function_reports) if (one.name === name) return one
  return undefined
}

/** Returns the rows of a function in a report; none when it failed, is not offered here or is not there. */
export function rowsIn(report: DaemonReport | null, name: string): readonly Row[] {
  const rows = functionIn(report, name)?.data ?? []
  return faultOf(rows) === null ? rows : []
}

/** Returns why a function told nothing; null when it told something. One row of many may have an error of its own. */
export function faultOf(
  rows: readonly Row[],
): { readonly kind: 'failed' | 'not-offered'; readonly why: string } | null {
  const [first] = rows
  const [entry, more] = Object.entries(first ?? {})
  if (rows.length !== 1 || entry === undefined || more !== undefined || typeof entry[1] !== 'string')
    return null
  if (entry[0] === errorKey) return { kind: 'failed', why: entry[1] }
  return entry[0] === notOfferedKey ? { kind: 'not-offered', why: entry[1] } : null
}
