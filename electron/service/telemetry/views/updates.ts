import { compareVersions, updateClass } from '../../../shared/telemetry-words.ts'
import { ask, type Work } from '../../store/records/work.ts'
import { idWindow, type ReadEnv } from '../records/list.ts'
import { findTerm } from '../records/terms.ts'

/** From which version machines went to which. */

export interface UpdateStep {
  readonly from: string
  readonly to: string
  readonly updates: number
}

export interface UpdateMatrix {
  readonly versions: readonly string[]
  readonly steps: readonly UpdateStep[]
}

const pieceSize = 5_000

/** Returns the update an entry tells of: its lines 3 and 4; null when it tells of none, or of one to the same version. */
export function updateOf(payload: string): { readonly from: string; readonly to: string } | null {
  const lines = payload.split('\n', 4)
  const from = /^current_version=(\S+)\s*$/.exec(lines[2] ?? '')?.[1]
  const to = /^server_version=(\S+)\s*$/.exec(lines[3] ?? '')?.[1]
  return from === undefined || to === undefined || from === to
    ? null
    : { from: from.slice(0, 100), to: to.slice(0, 100) }
}

/** Returns the updates that came after a time. */
export function* updateMatrix({ sinceMs }: { readonly sinceMs: number }, _env: ReadEnv): Work<UpdateMatrix> {
  const id = yield* findTerm('classification', updateClass)
  const window = yield* idWindow({ receivedAfterMs: sinceMs })
  const counts = new Map<string, UpdateStep>()
  let below = id === null || window === null ? 0 : Number.MAX_SAFE_INTEGER
  while (below > 0) {
    const rows: readonly { id: number; text: string }[] = yield* ask<{ id: number; text: string }>(
      `SELECT r.id, substr(p.text, 1, 2000) AS text FROM record r JOIN payload p ON p.record_id = r.id
       WHERE r.classification_id = ? AND r.id >= ? AND r.id < ? AND r.server_ms > ? ORDER BY r.id DESC LIMIT ?`,
      id,
      window?.low ?? 0,
      below,
      sinceMs,
      pieceSize,
    )
    for (const { text } of rows) {
      const update = updateOf(text)
      if (!update) continue
      const key = `${update.from}\n${update.to}`
      counts.set(key, { ...update, updates: (counts.get(key)?.updates ?? 0) + 1 })
    }
    below = rows.length < pieceSize ? 0 : (rows.at(-1)?.id ?? 0)
  }
  const steps = [...counts.values()].sort(
    (a, b) => compareVersions(a.from, b.from) || compareVersions(a.to, b.to),
  )
  const versions = [...new Set(steps.flatMap(({ from, to }) => [from, to]))].sort(compareVersions)
  return { versions, steps }
}
