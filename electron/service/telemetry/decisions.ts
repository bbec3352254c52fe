import type { Connection } from '../store/open.ts'
import { ask, fill, type Work } from '../store/records/work.ts'
import { touchGuilty } from './records/guilties.ts'
import type { Writer } from './records/insert.ts'
import { ensureTerms, termId } from './records/terms.ts'
import type { Frame, GuiltyRow } from './schema.ts'
import { readSetting, writeSetting } from '../store/settings.ts'

/**
 * What people decided of guilty frames. The file of records has no backups, so it is kept with the service's settings as well, and given to a
 * file that takes the place of a damaged one.
 */

type Decided = Pick<
  GuiltyRow,
  'function' | 'module' | 'comment' | 'hidden' | 'fixed_ms' | 'fixed_build' | 'first_ms' | 'last_ms'
> & {
  /** The build in which it was first seen; what was kept before builds were has none. */
  readonly first_build?: string | null
}

interface Kept {
  readonly skipped: readonly Frame[]
  readonly guilties: readonly Decided[]
  /** The newest record's id: those of a new file go on from it, since clients read on from the last they saw. */
  readonly lastId: number
}

const setting = 'telemetry-decisions'
/** Ids that may have been given since they were last noted. */
const spareIds = 1_000_000

/** Returns what was decided, from the file of records. */
export function* readDecisions(): Work<Kept> {
  const skipped = yield* ask<Frame>('SELECT function, module FROM skip_frame ORDER BY id')
  const guilties = yield* ask<Decided>(
    `SELECT function, module, comment, hidden, fixed_ms, fixed_build, first_ms, last_ms, text AS first_build
     FROM guilty LEFT JOIN term ON term.id = first_build_id
     WHERE comment <> '' OR hidden = 1 OR fixed_ms IS NOT NULL`,
  )
  const [newest] = yield* ask<{ id: number | null }>('SELECT max(id) AS id FROM record')
  return { skipped, guilties, lastId: newest?.id ?? 0 }
}

/** Keeps what was decided, unless it is kept already. */
export function keepDecisions(db: Connection, kept: Kept): void {
  const text = JSON.stringify(kept)
  if (readSetting(db, setting) !== text) writeSetting(db, setting, text)
}

/**
 * Gives a new file of records in SQLite what was decided before, and returns whether there was anything. A file in which records ever were is
 * not new.
 */
export function* restoreDecisions(db: Connection, nowMs: number, { terms }: Writer): Work<boolean> {
  const text = readSetting(db, setting)
  if (text === null) return false
  const [row] = yield* ask<{ n: number }>(
    "SELECT (SELECT count(*) FROM sqlite_sequence WHERE name IN ('record', 'guilty', 'skip_frame')) AS n",
  )
  if ((row?.n ?? 0) > 0) return false
  const { skipped, guilties, lastId } = JSON.parse(text) as Kept
  if (lastId === 0 && skipped.length === 0 && guilties.length === 0) return false
  yield* fill({
    into: 'skip_frame',
    columns: ['function', 'module', 'added_ms'],
    rows: skipped.map(({ function: name, module }) => [name, module, nowMs]),
    then: 'ON CONFLICT (function, module) DO NOTHING',
  })
  const buildOf = (row: Decided): string | null => row.first_build ?? null
  const builds = new Set(guilties.map(buildOf).filter((build) => build !== null))
  yield* ensureTerms(terms, new Map([['build', builds]]))
  for (const row of guilties) {
    const build = buildOf(row)
    const { id } = yield* touchGuilty(row, {
      firstMs: row.first_ms,
      lastMs: row.last_ms,
      buildId: build === null ? null : termId(terms, 'build', build),
      isTold: true,
    })
    yield* ask(
      'UPDATE guilty SET comment = ?, hidden = ?, fixed_ms = ?, fixed_build = ? WHERE id = ?',
      row.comment,
      row.hidden,
      row.fixed_ms,
      row.fixed_build,
      id,
    )
  }
  yield* ask(
    "INSERT INTO sqlite_sequence (name, seq) VALUES ('record', ?)",
    lastId === 0 ? 0 : lastId + spareIds,
  )
  return true
}
