import { lookup as systemLookup } from 'node:dns'
import { isIP } from 'node:net'
import type { ProbeCause } from '../../../shared/api/hosts.ts'
import type { Clock, Timer } from '../../clock.ts'

export type FamilyChoice = 'any' | '4' | '6'

/** Why a name has no address: it has none, or this machine did not come to asking. */
export type NotFound = { readonly cause: ProbeCause } | { readonly fault: string }
/** What came of looking up a name. */
export type Found = { readonly address: string } | NotFound

/** Looks names up as the system does, its hosts file included, and remembers the answers for a minute. */
export interface Resolver {
  find(name: string, family: FamilyChoice, done: (found: Found) => void): void
  /** Looks the name up anew at the next time, since what was known does not answer. */
  forget(name: string): void
}

/** The part of `dns.lookup` that is used. */
export type Lookup = (
  name: string,
  options: { family: number },
  done: (error: NodeJS.ErrnoException | null, address: string) => void,
) => void

const keptMs = 60_000
const mostKept = 20_000
/** The system looks up in a few threads that files need as well; names that hang must leave some to others. */
const mostAtOnce = 3
const patienceMs = 5_000
/** Who has waited this long for a turn is told that it is our fault. */
const queueMs = 15_000

interface Waiter {
  readonly done: (found: Found) => void
  timer: Timer | null
  start?: () => void
}

interface Asked {
  isStarted: boolean
  isQueued: boolean
  readonly waiting: Set<Waiter>
}

const silent: ProbeCause = { kind: 'name-timeout', text: 'the name servers do not answer' }

/** Returns a resolver. */
export function createResolver(clock: Clock, lookup: Lookup = systemLookup): Resolver {
  const known = new Map<string, { readonly address: string; atMs: number }>()
  const asking = new Map<string, Asked>()
  const queue: { readonly key: string; readonly name: string; readonly family: FamilyChoice }[] = []
  let running = 0

  const settle = (key: string, found: Found): void => {
    const waiting = asking.get(key)?.waiting ?? []
    asking.delete(key)
    const hit = known.get(key)
    const isSilent = 'cause' in found && found.cause.kind === 'name-timeout'
    if ('cause' in found && !isSilent) known.delete(key)
    // An address that was good is better than none while the name servers are silent.
    const told = isSilent && hit ? { address: hit.address } : found
    for (const { done, timer } of [...waiting]) {
      timer?.cancel()
      done(told)
    }
  }
  const next = (): void => {
    if (running >= mostAtOnce) return
    const entry = queue.shift()
    if (!entry) return
    const { key, name, family } = entry
    const asked = asking.get(key)
    if (!asked) {
      next()
      return
    }
    asked.isStarted = true
    for (const waiter of asked.waiting) waiter.start?.()
    running += 1
    lookup(name, { family: family === 'any' ? 0 : Number(family) }, (error, address) => {
      running -= 1
      if (error) settle(key, { cause: causeOf(error, name) })
      else {
        if (known.size >= mostKept) known.clear()
        known.set(key, { address, atMs: clock.glance().monotonicMs })
        settle(key, { address })
      }
      next()
    })
  }

  const enter = (key: string): Asked => {
    const entry: Asked = asking.get(key) ?? { isStarted: false, isQueued: false, waiting: new Set() }
    asking.set(key, entry)
    return entry
  }
  const ask = (key: string, name: string, family: FamilyChoice): void => {
    const entry = enter(key)
    if (entry.isQueued) return
    entry.isQueued = true
    queue.push({ key, name, family })
    next()
  }

  return {
    find(name, family, done) {
      const kind = isIP(name.split('%')[0] ?? '')
      if (kind !== 0) {
        const isOther = family !== 'any' && Number(family) !== kind
        done(
          isOther
            ? { cause: { kind: 'name-not-found', text: `it is not an IPv${family} address` } }
            : { address: name },
        )
        return
      }
      const key = `${family} ${name.toLowerCase()}`
      const hit = known.get(key)
      const ageMs = hit ? clock.glance().monotonicMs - hit.atMs : Number.POSITIVE_INFINITY
      if (hit && ageMs < Number.POSITIVE_INFINITY) {
        done({ address: hit.address })
        // What is old is looked up beside, and known at the next time.
        if (ageMs >= keptMs) ask(key, name, family)
        return
      }
      const entry = enter(key)
      const waiter: Waiter = { done, timer: null }
      entry.waiting.add(waiter)
      const giveUp = (found: NotFound): void => {
        if (!entry.waiting.delete(waiter)) return
        done(hit ? { address: hit.address } : found)
      }
      waiter.start = () => {
        waiter.timer?.cancel()
        waiter.timer = clock.after(patienceMs, () => giveUp({ cause: silent }))
      }
      if (entry.isStarted) waiter.start()
      else waiter.timer = clock.after(queueMs, () => giveUp({ fault: 'too many names are being looked up' }))
      ask(key, name, family)
    },
    forget(name) {
      for (const family of ['any', '4', '6']) {
        const hit = known.get(`${family} ${name.toLowerCase()}`)
        if (hit) hit.atMs = Number.NEGATIVE_INFINITY
      }
    },
  }
}

function causeOf(error: NodeJS.ErrnoException, name: string): ProbeCause {
  return error.code === 'EAI_AGAIN' || error.code === 'ETIMEOUT'
    ? silent
    : { kind: 'name-not-found', text: `name not found: ${name.slice(0, 100)}` }
}
