import type { CreateMaintenance, Maintenance } from '../../shared/api/alerts.ts'
import type { Schedule } from '../../shared/api/watchers.ts'
import { isoTimeOrNull, parseInstant } from '../../shared/time-text.ts'
import type { NewTransition, Silence } from '../context.ts'
import { HttpProblem } from '../problem.ts'
import { ScheduleError } from '../schedules/schedule-error.ts'
import { compileSchedule } from '../schedules/schedule.ts'
import type { Connection } from '../store/open.ts'

/** A window in which changes are known of and tell nobody: once, or again and again by a schedule. */
export interface MaintenanceRow {
  readonly id: number
  readonly name: string
  readonly room: string | null
  readonly item: string | null
  readonly tag: string | null
  readonly beginMs: number | null
  readonly endMs: number | null
  readonly schedule: Schedule | null
  readonly lengthMs: number | null
}

/** Returns when a window ends that is open at a time; null when it is not open. */
export function activeUntil(row: MaintenanceRow, nowMs: number): number | null {
  const { schedule, lengthMs, beginMs, endMs } = row
  if (schedule === null || lengthMs === null)
    return beginMs !== null && endMs !== null && beginMs <= nowMs && nowMs < endMs ? endMs : null
  const compiled = compileSchedule(schedule)
  let began = compiled.nextDue(nowMs - lengthMs)
  let until: number | null = null
  // Windows that overlap each other end with the last of them.
  for (let count = 0; began !== null && began <= nowMs && count < 1_000; count += 1) {
    if ((beginMs === null || began >= beginMs) && (endMs === null || began < endMs)) until = began + lengthMs
    began = compiled.nextDue(began)
  }
  return until
}

/** Returns the windows that are open at a time. */
export function openWindows(rows: readonly MaintenanceRow[], nowMs: number): Silence[] {
  return rows.flatMap((row) => {
    const untilMs = activeUntil(row, nowMs)
    if (untilMs === null) return []
    const covers: Silence['covers'] = (room, item, tags) =>
      (row.room === null || row.room === room) &&
      (row.item === null || row.item === item) &&
      (row.tag === null || tags.includes(row.tag))
    return [{ name: row.name, untilMs, covers }]
  })
}

/** Returns the window that covers an item longest; null when none does. */
export function maintenanceOf(
  rows: readonly MaintenanceRow[],
  { room, item, tags }: { room: NewTransition['room']; item: string; tags: readonly string[] },
  nowMs: number,
): Silence | null {
  return openWindows(rows, nowMs)
    .filter((one) => one.covers(room, item, tags))
    .reduce<Silence | null>(
      (longest, one) => (longest && longest.untilMs >= one.untilMs ? longest : one),
      null,
    )
}

/** Returns all windows, in the order in which they were added. */
export function readMaintenance(db: Connection): MaintenanceRow[] {
  const rows = db.prepare('SELECT * FROM maintenance ORDER BY id').all() as {
    id: number
    name: string
    room: string | null
    item: string | null
    tag: string | null
    begin_ms: number | null
    end_ms: number | null
    schedule: string | null
    length_ms: number | null
  }[]
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    room: row.room,
    item: row.item,
    tag: row.tag,
    beginMs: row.begin_ms,
    endMs: row.end_ms,
    schedule: row.schedule === null ? null : (JSON.parse(row.schedule) as Schedule),
    lengthMs: row.length_ms,
  }))
}

/** @throws HttpProblem 400 */
export function addMaintenance(db: Connection, given: CreateMaintenance, nowMs: number): number {
  const time = (name: 'begin' | 'end'): number | null => {
    const text = given[name]
    if (text === undefined) return null
    const at = parseInstant(text, nowMs)
    if (at === null) throw new HttpProblem(400, `body.${name}: '${text}' is not a time`)
    return at
  }
  const beginMs = time('begin')
  const endMs = time('end')
  if (given.schedule === undefined) {
    if (beginMs === null || endMs === null)
      throw new HttpProblem(400, 'a maintenance window needs begin and end, or schedule and lengthMs')
    if (given.lengthMs !== undefined) throw new HttpProblem(400, 'lengthMs goes with schedule')
  } else {
    if (given.lengthMs === undefined) throw new HttpProblem(400, 'a repeated window needs lengthMs')
    if (given.schedule.kind === 'period' || given.schedule.kind === 'coal-mine')
      throw new HttpProblem(400, 'a repeated window needs a cron or calendar schedule')
    try {
      compileSchedule(given.schedule)
    } catch (error) {
      if (error instanceof ScheduleError) throw new HttpProblem(400, error.message)
      throw error
    }
  }
  if (beginMs !== null && endMs !== null && endMs <= beginMs)
    throw new HttpProblem(400, 'the end must come after the begin')
  const { lastInsertRowid } = db
    .prepare(
      `INSERT INTO maintenance (name, room, item, tag, begin_ms, end_ms, schedule, length_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      given.name,
      given.room ?? null,
      given.item ?? null,
      given.tag ?? null,
      beginMs,
      endMs,
      given.schedule === undefined ? null : JSON.stringify(given.schedule),
      given.lengthMs ?? null,
    )
  return Number(lastInsertRowid)
}

/** Returns a window as the API shows it. */
export function maintenanceView(row: MaintenanceRow, nowMs: number): Maintenance {
  return {
    id: row.id,
    name: row.name,
    room: row.room,
    item: row.item,
    tag: row.tag,
    begin: isoTimeOrNull(row.beginMs),
    end: isoTimeOrNull(row.endMs),
    schedule: row.schedule,
    lengthMs: row.lengthMs,
    activeUntil: isoTimeOrNull(activeUntil(row, nowMs)),
  }
}
