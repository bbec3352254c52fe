import { isoTime } from '../../shared/time-text.ts'
import type { Connection } from '../store/open.ts'
import { plainFacts } from '../context.ts'
import { endDelivery, insertDelivery, insertNotice } from './store.ts'

/** The end of quiet hours. */

const digestLines = 20

/** Returns whether a notice waits for quiet hours that are over. */
export function hasQuietToEnd(db: Connection, nowMs: number): boolean {
  return (
    db.prepare("SELECT 1 FROM delivery WHERE state = 'quiet' AND next_ms <= ? LIMIT 1").get(nowMs) !==
    undefined
  )
}

/** At the end of quiet hours all that was kept is told in one digest, a single notice as it is. */
export function endQuietHours(db: Connection, nowMs: number): void {
  const rows = db
    .prepare(
      `SELECT d.id, d.channel_id, d.channel_name, d.notice_id, n.title, n.severity, n.kind, n.at_ms, n.incident_id FROM delivery d
       JOIN notice n ON n.id = d.notice_id WHERE d.state = 'quiet' AND d.next_ms <= ? ORDER BY d.id`,
    )
    .all(nowMs) as {
    id: number
    channel_id: number | null
    channel_name: string
    notice_id: number
    title: string
    severity: string
    kind: string
    at_ms: number
    incident_id: number | null
  }[]
  const byChannel = new Map<number | null, typeof rows>()
  for (const row of rows) byChannel.set(row.channel_id, [...(byChannel.get(row.channel_id) ?? []), row])
  for (const [channelId, list] of byChannel) {
    const [only] = list
    if (!only) continue
    if (list.length === 1) {
      db.prepare("UPDATE delivery SET state = 'waiting', reason = NULL, next_ms = ? WHERE id = ?").run(
        nowMs,
        only.id,
      )
      continue
    }
    const storms = inStorms(db, channelId, only.at_ms)
    const problems =
      list.filter(({ severity, kind }) => severity === 'problem' && kind !== 'storm').length + storms.length
    const title = `${list.length} notices during quiet hours`
    const lines = list.map(({ at_ms, title: words }) => `${isoTime(at_ms)} ${words}`)
    const own = list.flatMap(({ incident_id }) => (incident_id === null ? [] : [incident_id]))
    const stillOpen = openCount(db, [...own, ...storms])
    const shown = lines.slice(0, digestLines).join('\n')
    const text = `${problems} problems came up; ${stillOpen} of them still last.\n${shown}`
    const noticeId = insertNotice(db, {
      atMs: nowMs,
      kind: 'digest',
      severity: stillOpen > 0 ? 'problem' : 'info',
      title,
      text,
      room: 'alerts',
      item: null,
      incidentId: null,
      facts: { ...plainFacts(title, text), details: lines.slice(0, 200) },
    })
    insertDelivery(
      db,
      {
        noticeId,
        channelId,
        channelName: only.channel_name,
        recipients: null,
        state: 'waiting',
        reason: null,
        nextMs: nowMs,
      },
      nowMs,
    )
    for (const { id } of list) endDelivery(db, id, 'held', 'told in the digest after quiet hours', nowMs)
  }
}

/** Returns the incidents of problems that were told to a channel as parts of storms, since a time. */
function inStorms(db: Connection, channelId: number | null, sinceMs: number): number[] {
  return db
    .prepare(
      `SELECT n.incident_id FROM delivery d JOIN notice n ON n.id = d.notice_id
       WHERE d.channel_id IS ? AND d.state = 'held' AND d.reason LIKE 'told in one notice%' AND n.severity = 'problem'
         AND n.incident_id IS NOT NULL AND d.done_ms >= ?`,
    )
    .pluck()
    .all(channelId, sinceMs) as number[]
}

function openCount(db: Connection, incidents: readonly number[]): number {
  const isOpen = db.prepare('SELECT 1 FROM incident WHERE id = ? AND closed_ms IS NULL')
  return [...new Set(incidents)].filter((id) => isOpen.get(id) !== undefined).length
}
