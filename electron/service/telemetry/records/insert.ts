import { compareVersions } from '../../../shared/telemetry-words.ts'
import { ask, fill, marks, type Value, type Work } from '../../store/records/work.ts'
import { frameKey, guiltyOf, mayBlame, skipListOf, type SkipList } from '../guilty/guilty.ts'
import type { Accepted, Frame, GuiltyRow, NewRecord } from '../schema.ts'
import { noteBlocks } from './blocks.ts'
import { anyDigest, digestOf } from './digest.ts'
import { touchGuilty } from './guilties.ts'
import { stormHead, weather } from './storm.ts'
import { createTermCache, ensureTerms, termId, type TermCache, type TermKind } from './terms.ts'

/** Writing records: each once, crashes with their guilty frame, and of a storm only so many. */

/** What writing remembers between transactions. */
export interface Writer {
  readonly terms: TermCache
  /** Tells collectors of one database apart, so that they do not wait for each other's rows. */
  readonly number: number
  /** Keeps others from changing a row that was read until the transaction ends, where the database needs to be told. */
  readonly forShare: '' | ' FOR SHARE'
  skip: { readonly revision: number; readonly list: SkipList } | null
  /** How often terms had been let go of when the remembered ones were read; null before that is known. */
  termsRevision: string | null
}

/** Returns a writer that remembers nothing yet. */
export function createWriter(number: number, forShare: Writer['forShare'] = ''): Writer {
  return { terms: createTermCache(), number, forShare, skip: null, termsRevision: null }
}

/** A record with the time at which it came (ms UTC). */
export interface Arrival {
  readonly record: NewRecord
  readonly serverMs: number
  /** What tells it from others, when it was stored elsewhere before. */
  readonly digest?: number
}

/** A record on its way, with what is told of it. */
export interface Prepared extends Arrival {
  digest: number
  /** What kind of machine it is from, as one term. */
  readonly platform: string
  readonly frame: Frame | null
  /** What tells crashes without a frame apart in a storm; null for all other records. */
  readonly head: number | null
}

/** Forgets what may have been rolled back. */
export function forgetWriter(writer: Writer): void {
  writer.terms.forget()
  writer.skip = null
}

/**
 * Writes records and returns what became of each, in their order.
 *
 * @param stormLimit how many of the same crash (guilty frame, build and class) are stored in an hour; 0 for all
 */
export function* insertRecords(
  arrivals: readonly Arrival[],
  writer: Writer,
  stormLimit: number,
): Work<readonly Accepted[]> {
  const mayCrash = arrivals.some(({ record }) => mayBlame(record.classification))
  // Before any id is given: whoever lets go of terms waits for those that have asked, and is waited for by the others.
  const now = yield* currentState(writer)
  const { revision, list } = mayCrash ? yield* skipListAt(now, writer) : noSkipList
  const prepared = arrivals.map(({ record, serverMs, digest }): Prepared => {
    const frame = guiltyOf(record.classification, record.payload, list)
    return {
      record,
      serverMs,
      digest: digest ?? digestOf(record),
      platform: platformOf(record),
      frame,
      head: frame === null ? stormHead(record) : null,
    }
  })
  yield* ensureTerms(writer.terms, termsOfRecords(prepared))
  // A storm counts nothing twice; whatever else is there already shows when it is written.
  const known = yield* storedBefore(prepared.filter(({ frame, head }) => frame !== null || head !== null))
  const fresh = new Map<number, Prepared>()
  for (const one of prepared) if (!known.has(one.digest) && !fresh.has(one.digest)) fresh.set(one.digest, one)
  const guilties = yield* blame([...fresh.values()], writer)
  const stored = yield* weather([...fresh.values()], guilties, writer, stormLimit)
  const ids = new Map(yield* write(stored, guilties, writer, revision))
  const missing = stored.filter(({ digest }) => !ids.has(digest))
  // Another collector was faster with the same record, or it was stored long ago; one that only shared a digest is written with its new one.
  const late = yield* storedBefore(missing)
  const again = missing.filter(({ digest }) => !late.has(digest))
  if (again.length > 0)
    for (const [digest, id] of yield* write(again, guilties, writer, revision)) ids.set(digest, id)
  const firsts = new Set(fresh.values())
  return prepared.map((one): Accepted => {
    const repeated = known.get(one.digest) ?? late.get(one.digest)
    if (repeated) return { outcome: 'repeated', ...repeated }
    const id = ids.get(one.digest)
    if (id === undefined) return { outcome: 'counted', id: null, serverMs: one.serverMs }
    return { outcome: firsts.has(one) ? 'stored' : 'repeated', id, serverMs: one.serverMs }
  })
}

const noSkipList = { revision: 0, list: skipListOf([]) }

/** Returns how often the skip list has changed, and forgets terms when some were let go of; other collectors may have done so. */
export function* currentState(writer: Writer): Work<number> {
  const rows = yield* ask<{ name: string; value: string }>(
    `SELECT name, value FROM state WHERE name IN ('revision', 'terms') ORDER BY name${writer.forShare}`,
  )
  const values = new Map(rows.map(({ name, value }) => [name, value]))
  const terms = values.get('terms') ?? ''
  if (writer.termsRevision !== terms) writer.terms.forget()
  writer.termsRevision = terms
  return Number(values.get('revision') ?? 1)
}

/** Returns the skip list of a revision. */
function* skipListAt(revision: number, writer: Writer): Work<{ revision: number; list: SkipList }> {
  if (writer.skip?.revision !== revision) {
    const frames = yield* ask<Frame>('SELECT function, module FROM skip_frame')
    writer.skip = { revision, list: skipListOf(frames) }
  }
  return writer.skip
}

/** Returns the texts of records that are kept as terms. */
function termsOfRecords(prepared: readonly Prepared[]): ReadonlyMap<TermKind, ReadonlySet<string>> {
  const all = (text: (one: Prepared) => string): ReadonlySet<string> => new Set(prepared.map(text))
  return new Map<TermKind, ReadonlySet<string>>([
    ['classification', all(({ record }) => record.classification)],
    ['build', all(({ record }) => record.build)],
    ['system', all(({ record }) => record.system)],
    ['kernel', all(({ record }) => record.kernel)],
    ['host', all(({ record }) => record.hostType)],
    ['platform', all(({ platform }) => platform)],
  ])
}

function platformOf({ arch, board, cpu, bios }: NewRecord): string {
  return JSON.stringify([arch, board, cpu, bios])
}

interface Stored {
  readonly id: number
  readonly serverMs: number
}

/** Returns which of the records are stored already, by digest. One that only shares its digest gets another. */
function* storedBefore(prepared: readonly Prepared[]): Work<ReadonlyMap<number, Stored>> {
  const known = new Map<number, Stored>()
  if (prepared.length === 0) return known
  const asked = prepared.map(({ digest }) => digest)
  const rows = yield* ask<{
    id: number
    digest: number
    server_ms: number
    machine: string
    client_s: number
  }>(
    `SELECT id, digest, server_ms, machine, client_s FROM record WHERE digest IN (${marks(asked)})`,
    ...asked,
  )
  const byDigest = new Map(rows.map((row) => [row.digest, row]))
  for (const one of prepared) {
    const row = byDigest.get(one.digest)
    if (!row) continue
    if (row.machine === one.record.machine && row.client_s === one.record.clientS)
      known.set(one.digest, { id: row.id, serverMs: row.server_ms })
    else one.digest = anyDigest()
  }
  return known
}

/** Returns the guilty frames of crashes, making those that are new; keyed by {@link frameKey}. */
function* blame(fresh: readonly Prepared[], writer: Writer): Work<Map<string, GuiltyRow>> {
  const groups = new Map<string, { frame: Frame; crashes: Prepared[] }>()
  for (const one of fresh) {
    if (!one.frame) continue
    const key = frameKey(one.frame)
    const group = groups.get(key)
    if (group) group.crashes.push(one)
    else groups.set(key, { frame: one.frame, crashes: [one] })
  }
  const rows = new Map<string, GuiltyRow>()
  for (const [key, { frame, crashes }] of [...groups].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [first, ...later] = [...crashes].sort((a, b) => a.serverMs - b.serverMs)
    if (!first) continue
    const row = yield* touchGuilty(frame, {
      firstMs: first.serverMs,
      lastMs: later.at(-1)?.serverMs ?? first.serverMs,
      buildId: termId(writer.terms, 'build', first.record.build),
      isTold: false,
    })
    rows.set(key, row)
    yield* noteReturn(row, crashes)
  }
  return rows
}

/** A crash that was fixed is back when a build that should have the fix crashes there. */
function* noteReturn(row: GuiltyRow, crashes: readonly Prepared[]): Work<void> {
  if (row.fixed_ms === null || row.back_ms !== null) return
  const { fixed_ms: fixedMs, fixed_build: fixedBuild } = row
  const back = crashes.find(({ record, serverMs }) =>
    fixedBuild === null ? serverMs > fixedMs : compareVersions(record.build, fixedBuild) >= 0,
  )
  if (back) yield* ask('UPDATE guilty SET back_ms = ?, told = 0 WHERE id = ?', back.serverMs, row.id)
}

const recordColumns = [
  'server_ms',
  'client_s',
  'classification_id',
  'build_id',
  'system_id',
  'kernel_id',
  'host_id',
  'platform_id',
  'severity',
  'external',
  'record_version',
  'payload_version',
  'payload_bytes',
  'machine',
  'event',
  'digest',
  'crash',
  'guilty_id',
  'revision',
] as const

/** Returns ids by digest of the records that were written. */
function* write(
  stored: readonly Prepared[],
  guilties: ReadonlyMap<string, GuiltyRow>,
  writer: Writer,
  revision: number,
): Work<ReadonlyMap<number, number>> {
  const { terms, number } = writer
  const byDigest = new Map(stored.map((one) => [one.digest, one]))
  const rows = [...byDigest.values()].map(({ record, serverMs, digest, platform, frame }): Value[] => [
    serverMs,
    record.clientS,
    termId(terms, 'classification', record.classification),
    termId(terms, 'build', record.build),
    termId(terms, 'system', record.system),
    termId(terms, 'kernel', record.kernel),
    termId(terms, 'host', record.hostType),
    termId(terms, 'platform', platform),
    record.severity,
    record.external ? 1 : 0,
    record.recordVersion,
    record.payloadVersion,
    Buffer.byteLength(record.payload),
    record.machine,
    record.event,
    digest,
    frame ? 1 : 0,
    (frame && guilties.get(frameKey(frame))?.id) ?? null,
    revision,
  ])
  const written = yield* fill({
    into: 'record',
    columns: recordColumns,
    rows,
    then: 'ON CONFLICT (digest) DO NOTHING',
    idsBy: 'digest',
  })
  const ids = new Map(written.map(({ id, digest }) => [Number(digest), Number(id)]))
  yield* fill({
    into: 'payload',
    columns: ['record_id', 'text'],
    rows: [...ids].map(([digest, id]) => [id, byDigest.get(digest)?.record.payload ?? '']),
  })
  const noted = [...ids].flatMap(([digest, id]) => {
    const one = byDigest.get(digest)
    return one
      ? [
          {
            id,
            serverMs: one.serverMs,
            clientS: one.record.clientS,
            payloadBytes: Buffer.byteLength(one.record.payload),
          },
        ]
      : []
  })
  yield* noteBlocks(noted, number)
  return ids
}
