import { systemClock } from '../../clock.ts'
import { asPostgresError, isPassing, migratePostgres, openPostgres } from '../../store/records/postgres.ts'
import { openRecordsReadOnly, sqliteRunner } from '../../store/records/sqlite.ts'
import { ask, driveSync, fill, type Row, type Work } from '../../store/records/work.ts'
import { frameKey } from '../guilty/guilty.ts'
import type { Frame, GuiltyRow, ListedRecord, NewRecord } from '../schema.ts'
import { touchGuilty } from './guilties.ts'
import {
  createWriter,
  currentState,
  forgetWriter,
  insertRecords,
  type Arrival,
  type Writer,
} from './insert.ts'
import { recordsOf } from './list.ts'
import { createTermCache, ensureTerms, termId } from './terms.ts'

/** Moving records from a file to PostgreSQL: it can be broken off at any time and goes on where it was. */

/** How far it has come. */
export interface MoveProgress {
  readonly looked: number
  readonly total: number
  readonly added: number
}

const batchSize = 500
const mostTries = 10

/**
 * Copies all records of a file with their times, and what people decided of guilty frames. Records that are there already are left alone, so that
 * running it again adds what came since.
 *
 * @throws StoreError when one of the two cannot be used
 */
export async function moveRecords(
  { file, address }: { readonly file: string; readonly address: string },
  tell: (progress: MoveProgress) => void,
): Promise<MoveProgress> {
  const db = openRecordsReadOnly(file)
  try {
    await migratePostgres(address)
    const pool = openPostgres(address)
    try {
      const run = sqliteRunner(db)
      const terms = createTermCache()
      const writer = createWriter(1, ' FOR SHARE')
      /** Collectors that run meanwhile may be in the way. */
      const write = async <T>(work: () => Work<T>): Promise<T> => {
        for (let tries = 1; ; tries += 1) {
          try {
            return await pool.write(work())
          } catch (error) {
            forgetWriter(writer)
            if (!isPassing(error) || tries === mostTries) throw error
          }
        }
      }
      const nowMs = Math.round(systemClock().glance().wallMs)
      const decided = driveSync(decisions(), run)
      await write(() => takeDecisions(decided, writer, nowMs))
      const total = driveSync(count(), run)
      const cursorName = `moved from ${file}`
      let after = await pool.read(readCursor(cursorName))
      let looked = after === 0 ? 0 : driveSync(countTo(after), run)
      let added = 0
      for (;;) {
        const batch = driveSync(nextBatch(after, terms), run)
        const last = batch.at(-1)
        if (!last) break
        added += await write(() => addBatch(batch, writer, cursorName, last.id))
        after = last.id
        looked += batch.length
        tell({ looked, total, added })
      }
      return { looked, total, added }
    } catch (error) {
      throw asPostgresError(error, address)
    } finally {
      await pool.close()
    }
  } finally {
    db.close()
  }
}

type Moving = Arrival & { readonly id: number }

function* nextBatch(after: number, terms: ReturnType<typeof createTermCache>): Work<readonly Moving[]> {
  const rows = yield* ask(
    'SELECT r.*, p.text FROM record r JOIN payload p ON p.record_id = r.id WHERE r.id > ? ORDER BY r.id LIMIT ?',
    after,
    batchSize,
  )
  const records = yield* recordsOf(rows, terms)
  return records.map((record, index) => ({
    id: record.id,
    record: asNew(record),
    serverMs: record.serverMs,
    digest: digestOfRow(rows[index]),
  }))
}

function asNew({
  id: _id,
  serverMs: _serverMs,
  guiltyId: _guiltyId,
  payload,
  ...rest
}: ListedRecord): NewRecord {
  return { ...rest, payload: payload ?? '' }
}

function digestOfRow(row: Row | undefined): number {
  return Number(row?.['digest'])
}

function* addBatch(
  batch: readonly Moving[],
  writer: Writer,
  cursorName: string,
  lastId: number,
): Work<number> {
  const accepted = yield* insertRecords(batch, writer, 0)
  yield* ask(
    'INSERT INTO state (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    cursorName,
    String(lastId),
  )
  return accepted.filter(({ outcome }) => outcome === 'stored').length
}

function* count(): Work<number> {
  const [row] = yield* ask<{ n: number }>('SELECT count(*) AS n FROM record')
  return row?.n ?? 0
}

function* countTo(id: number): Work<number> {
  const [row] = yield* ask<{ n: number }>('SELECT count(*) AS n FROM record WHERE id <= ?', id)
  return row?.n ?? 0
}

function* readCursor(name: string): Work<number> {
  const [row] = yield* ask<{ value: string }>('SELECT value FROM state WHERE name = ?', name)
  return Number(row?.value ?? 0)
}

/** A guilty frame with the build in which it was first seen, by name. */
type Decided = GuiltyRow & { readonly first_build: string | null }

/** What was counted of a storm, with its frames and terms by their names: ids of the file are none of the database's. */
interface Counted {
  readonly head: number
  readonly function: string | null
  readonly module: string | null
  readonly shown_function: string | null
  readonly shown_module: string | null
  readonly build: string
  readonly classification: string
  readonly hour: number
  readonly seen: number
  readonly dropped: number
}

interface Decisions {
  readonly skipped: readonly Frame[]
  readonly guilties: readonly Decided[]
  readonly storms: readonly Counted[]
}

function* decisions(): Work<Decisions> {
  const skipped = yield* ask<Frame>('SELECT function, module FROM skip_frame ORDER BY id')
  const guilties = yield* ask<Decided>(
    'SELECT g.*, t.text AS first_build FROM guilty g LEFT JOIN term t ON t.id = g.first_build_id ORDER BY g.id',
  )
  const storms = yield* ask<Counted>(
    `SELECT s.guilty_id AS head, g.function, g.module, b.function AS shown_function, b.module AS shown_module,
       build.text AS build, class.text AS classification, s.hour, s.seen, s.dropped
     FROM storm s JOIN term build ON build.id = s.build_id JOIN term class ON class.id = s.classification_id
       LEFT JOIN guilty g ON g.id = s.guilty_id LEFT JOIN guilty b ON b.id = s.blamed_id
     WHERE s.guilty_id < 0 OR g.id IS NOT NULL ORDER BY s.guilty_id, s.build_id, s.classification_id, s.hour`,
  )
  return { skipped, guilties, storms }
}

/** What was decided there already stays. */
function* takeDecisions({ skipped, guilties, storms }: Decisions, writer: Writer, nowMs: number): Work<void> {
  const added = yield* fill({
    into: 'skip_frame',
    columns: ['function', 'module', 'added_ms'],
    rows: skipped.map(({ function: name, module }) => [name, module, nowMs]),
    then: 'ON CONFLICT (function, module) DO NOTHING RETURNING id',
  })
  if (added.length > 0)
    yield* ask("UPDATE state SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT) WHERE name = 'revision'")
  // A collector may let go of terms meanwhile; it waits for whoever has asked for them.
  yield* currentState(writer)
  const builds = guilties.flatMap((row) => (row.first_build === null ? [] : [row.first_build]))
  yield* ensureTerms(
    writer.terms,
    new Map([
      ['build', new Set([...builds, ...storms.map(({ build }) => build)])],
      ['classification', new Set(storms.map(({ classification }) => classification))],
    ]),
  )
  const ids = new Map<string, number>()
  for (const row of [...guilties].sort((a, b) => (frameKey(a) < frameKey(b) ? -1 : 1))) {
    const known = yield* touchGuilty(row, {
      firstMs: row.first_ms,
      lastMs: row.last_ms,
      buildId: row.first_build === null ? null : termId(writer.terms, 'build', row.first_build),
      isTold: true,
    })
    ids.set(frameKey(row), known.id)
    yield* ask(
      'UPDATE guilty SET counted = CASE WHEN counted > ? THEN counted ELSE ? END, told = 1 WHERE id = ?',
      row.counted,
      row.counted,
      known.id,
    )
    yield* ask(
      `UPDATE guilty SET comment = ?, hidden = ?, fixed_ms = ?, fixed_build = ?, back_ms = ?
       WHERE id = ? AND comment = '' AND hidden = 0 AND fixed_ms IS NULL`,
      row.comment,
      row.hidden,
      row.fixed_ms,
      row.fixed_build,
      row.back_ms,
      known.id,
    )
  }
  yield* takeStorms(storms, ids, writer)
}

/** Takes what was counted; when it is taken again, it is the same and not more. */
function* takeStorms(
  storms: readonly Counted[],
  ids: ReadonlyMap<string, number>,
  { terms }: Writer,
): Work<void> {
  const idOf = (name: string | null, module: string | null): number | null =>
    name === null ? null : (ids.get(frameKey({ function: name, module: module ?? '' })) ?? null)
  const greatest = (column: string): string =>
    `${column} = CASE WHEN excluded.${column} > storm.${column} THEN excluded.${column} ELSE storm.${column} END`
  for (let from = 0; from < storms.length; from += batchSize)
    yield* fill({
      into: 'storm',
      columns: ['guilty_id', 'build_id', 'classification_id', 'hour', 'seen', 'dropped', 'blamed_id'],
      rows: storms
        .slice(from, from + batchSize)
        .map((row) => [
          idOf(row.function, row.module) ?? row.head,
          termId(terms, 'build', row.build),
          termId(terms, 'classification', row.classification),
          row.hour,
          row.seen,
          row.dropped,
          idOf(row.shown_function, row.shown_module),
        ]),
      then: `ON CONFLICT (guilty_id, build_id, classification_id, hour) DO UPDATE SET ${greatest('seen')}, ${greatest('dropped')}`,
    })
}
