import type { NoticePage } from '../../shared/api/alerts.ts'
import type { DeliveryState, NoticeKind, Severity } from '../../shared/alert-words.ts'
import { isoTime, isoTimeOrNull } from '../../shared/time-text.ts'
import type { TransitionFacts } from '../context.ts'
import type { Connection } from '../store/open.ts'

/** What notices are asked for with. */
interface NoticesQuery {
  readonly limit?: number
  readonly offset?: number
  readonly state?: DeliveryState
  readonly room?: string
  readonly item?: string
}

/** Returns notices, newest first, each with what became of it at every channel. */
export function readNotices(
  db: Connection,
  { limit = 50, offset = 0, state, room, item }: NoticesQuery,
): NoticePage {
  const conditions = [
    ...(room === undefined ? [] : ['room = @room']),
    ...(item === undefined ? [] : ['item = @item']),
    ...(state === undefined ? [] : ['id IN (SELECT notice_id FROM delivery WHERE delivery.state = @state)']),
  ]
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
  const values = {
    ...(room !== undefined && { room }),
    ...(item !== undefined && { item }),
    ...(state && { state }),
  }
  const total = db.prepare(`SELECT count(*) FROM notice ${where}`).pluck().get(values) as number
  const rows = db
    .prepare(`SELECT * FROM notice ${where} ORDER BY id DESC LIMIT @limit OFFSET @offset`)
    .all({ ...values, limit, offset }) as {
    id: number
    at_ms: number
    kind: NoticeKind
    severity: Severity
    title: string
    text: string
    room: string
    item: string | null
    incident_id: number | null
    facts: string
  }[]
  const deliveries = db.prepare('SELECT * FROM delivery WHERE notice_id = ? ORDER BY id')
  return {
    total,
    notices: rows.map((row) => {
      const facts = JSON.parse(row.facts) as TransitionFacts
      return {
        id: row.id,
        at: isoTime(row.at_ms),
        kind: row.kind,
        severity: row.severity,
        title: row.title,
        text: row.text,
        room: row.room,
        item: row.item,
        path: facts.path,
        incident: row.incident_id,
        details: [...facts.details],
        deliveries: (
          deliveries.all(row.id) as {
            channel_id: number | null
            channel_name: string
            state: DeliveryState
            reason: string | null
            attempts: number
            next_ms: number | null
            done_ms: number | null
          }[]
        ).map((delivery) => ({
          channel: delivery.channel_id,
          name: delivery.channel_name,
          state: delivery.state,
          reason: delivery.reason,
          attempts: delivery.attempts,
          next: isoTimeOrNull(delivery.next_ms),
          done: isoTimeOrNull(delivery.done_ms),
        })),
      }
    }),
  }
}
