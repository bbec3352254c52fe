import { randomUUID } from 'node:crypto'
import {
  accessSync,
  chownSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import { parseSpooled, type SpooledSignal } from '../shared/spooled-signal.ts'
import { isoTime } from '../shared/time-text.ts'
import { sideFiles } from '../service/store/location.ts'
import { CommandError, databaseOf, exitCodes, presentMs } from './io.ts'
import { ask, findService, reasonOf, refusal, type Answer, type ServiceChoice } from './service-client.ts'

/** Brings triggers to the service, or keeps them in files until it can be reached. */

/** A trigger in a user's own spool, with where it is to go. */
interface KeptSignal extends SpooledSignal {
  readonly url: string | null
  readonly database: string | null
}

const patienceMs = 10_000
const flushPatienceMs = 3_000

/** Returns true for the address of a ping, which carries its own secret. */
export function isPingAddress(watcher: string): boolean {
  return /^https?:\/\//.test(watcher)
}

/** @throws CommandError for an address that is none; nothing has been run or sent then */
export function checkPingAddress(watcher: string): void {
  if (isPingAddress(watcher) && !URL.canParse(watcher))
    throw new CommandError(`'${watcher.slice(0, 200)}' is not an address`, exitCodes.usage)
}

/** Sends a trigger once. */
export async function send(
  signal: SpooledSignal,
  choice: ServiceChoice,
  waitMs = patienceMs,
): Promise<Answer> {
  if (isPingAddress(signal.watcher)) return ping(signal, waitMs)
  const { id, kind, atMs, exitStatus, run, comment, body } = signal
  return ask(
    findService(choice),
    'POST',
    `/api/v1/watchers/${encodeURIComponent(signal.watcher)}/triggers?id=${id}`,
    { kind, at: isoTime(atMs), run, comment, body, ...(exitStatus !== null && { exitStatus }) },
    waitMs,
  )
}

async function ping(
  { watcher, kind, atMs, exitStatus, run, body }: SpooledSignal,
  waitMs: number,
): Promise<Answer> {
  const url = new URL(watcher)
  const action = exitStatus !== null ? String(exitStatus) : kind === 'success' ? '' : kind
  url.pathname = `${url.pathname.replace(/\/+$/, '')}${action === '' ? '' : `/${action}`}`
  if (run !== '') url.searchParams.set('rid', run)
  url.searchParams.set('at', isoTime(atMs))
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'text/plain; charset=utf-8', 'user-agent': 'watchkeeper-cli' },
      body,
      signal: AbortSignal.timeout(waitMs),
    })
    const text = await response.text()
    return response.ok
      ? { kind: 'answered', body: text }
      : refusal(response.status, text.slice(0, 200), { key: '' })
  } catch (error) {
    return { kind: 'away', message: `${url.host} does not answer: ${reasonOf(error)}` }
  }
}

/** Keeps a trigger in a file and returns where. @throws the system's error */
export function keep(signal: SpooledSignal, choice: ServiceChoice): string {
  const isRemote = choice.url !== undefined || isPingAddress(signal.watcher)
  const database = isRemote ? null : databaseOf(choice.database)
  const beside = database === null ? null : writableFolder(sideFiles(database).spool)
  const folder = beside ?? ownSpool()
  const kept: KeptSignal = { ...signal, url: choice.url ?? null, database: beside === null ? database : null }
  const file = path.join(folder, `${String(signal.atMs).padStart(15, '0')}-${signal.id}.json`)
  // Written beside and renamed, so that nobody reads half a file.
  writeFileSync(`${file}.partial`, JSON.stringify(beside === null ? kept : signal), { mode: 0o600 })
  if (beside !== null) giveTo(database ?? '', folder, `${file}.partial`)
  renameSync(`${file}.partial`, file)
  return file
}

/** What root writes beside another user's database belongs to that user, whose service must read it. */
function giveTo(database: string, folder: string, file: string): void {
  if (process.getuid?.() !== 0 || !existsSync(database)) return
  const { uid, gid } = statSync(database)
  for (const target of [folder, file]) chownSync(target, uid, gid)
}

/** Returns a folder that this user can write to, made if its parent allows it; null when not. */
function writableFolder(folder: string): string | null {
  try {
    accessSync(path.dirname(folder), constants.W_OK)
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    accessSync(folder, constants.W_OK)
    return folder
  } catch {
    return null
  }
}

function ownSpool(): string {
  const folder = path.join(homedir(), '.watchkeeper', 'spool')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return folder
}

/**
 * Delivers what this user's spool still holds for the same receiver, oldest first, until it cannot be reached. Never throws: what the command
 * did is done.
 */
export async function flushOwnSpool(watcher: string, choice: ServiceChoice): Promise<void> {
  const folder = path.join(homedir(), '.watchkeeper', 'spool')
  const goal = goalOf(watcher, choice)
  const beginMs = presentMs()
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith('.json'))
    for (const name of names.sort()) {
      if (presentMs() - beginMs > flushPatienceMs) return
      const file = path.join(folder, name)
      const kept = readKept(file)
      if (!kept || goalOf(kept.watcher, keptChoice(kept)) !== goal) continue
      const { url: _url, database: _database, ...signal } = kept
      const answer = await send(signal, choice, flushPatienceMs)
      if (answer.kind === 'away') return
      if (answer.kind === 'answered') unlinkSync(file)
      // A key that does not fit today may fit tomorrow; anything else is kept for a person, out of the way of the others.
      else if (answer.status !== 401 && answer.status !== 403) renameSync(file, `${file}.refused`)
    }
  } catch {
    // There is no spool, or another command is emptying it.
  }
}

/** Names where a trigger goes: the server of its address, the service's address, or the database. */
function goalOf(watcher: string, { url, database }: ServiceChoice): string {
  if (isPingAddress(watcher)) return new URL(watcher).origin
  return url === undefined ? databaseOf(database) : new URL(url).origin
}

function keptChoice({ url, database }: KeptSignal): ServiceChoice {
  return { ...(url !== null && { url }), ...(database !== null && { database }) }
}

function readKept(file: string): KeptSignal | null {
  try {
    const text = readFileSync(file, 'utf8')
    const signal = parseSpooled(text)
    const { url = null, database = null } = JSON.parse(text) as Partial<KeptSignal>
    return signal && { ...signal, url, database }
  } catch {
    return null
  }
}

/** Returns a trigger with an id of its own; what is not given is empty. Times in ms UTC. */
export function newSignal(
  watcher: string,
  given: Partial<Omit<SpooledSignal, 'id' | 'watcher'>> & Pick<SpooledSignal, 'kind' | 'atMs'>,
): SpooledSignal {
  return { id: randomUUID(), watcher, exitStatus: null, run: '', comment: '', body: '', ...given }
}
