import { lookup as systemLookup } from 'node:dns'
import { isIP } from 'node:net'
import type { ProbeCause } from '../../../shared/api/hosts.ts'
import type { Clock } from '../../clock.ts'

export type FamilyChoice = 'any' | '4' | '6'

/** What came of looking up a name. */
export type Found = { readonly address: string } | { readonly cause: ProbeCause }

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
/** The system looks up in a few threads that files need as well. */
const mostAtOnce = 2
const patienceMs = 5_000

/** Returns a resolver. */
export function createResolver(clock: Clock, lookup: Lookup = systemLookup): Resolver {
  const known = new Map<string, { readonly address: string; readonly atMs: number }>()
  const asking = new Map<string, ((found: Found) => void)[]>()
  const queue: { readonly key: string; readonly name: string; readonly family: FamilyChoice }[] = []
  let running = 0

  const settle = (key: string, found: Found): void => {
    const waiting = asking.get(key) ?? []
    asking.delete(key)
    for (const done of waiting) done(found)
  }
  const next = (): void => {
    if (running >= mostAtOnce) return
    const entry = queue.shift()
    if (!entry) return
    const { key, name, family } = entry
    if (!asking.has(key)) {
      next()
      return
    }
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
      if (hit && clock.glance().monotonicMs - hit.atMs < keptMs) {
        done({ address: hit.address })
        return
      }
      let isOver = false
      const once = (found: Found): void => {
        if (isOver) return
        isOver = true
        timer.cancel()
        done(found)
      }
      const timer = clock.after(patienceMs, () =>
        once({ cause: { kind: 'name-timeout', text: 'the name servers do not answer' } }),
      )
      const others = asking.get(key)
      if (others) {
        others.push(once)
        return
      }
      asking.set(key, [once])
      queue.push({ key, name, family })
      next()
    },
    forget(name) {
      for (const family of ['any', '4', '6']) known.delete(`${family} ${name.toLowerCase()}`)
    },
  }
}

function causeOf(error: NodeJS.ErrnoException, name: string): ProbeCause {
  return error.code === 'EAI_AGAIN' || error.code === 'ETIMEOUT'
    ? { kind: 'name-timeout', text: 'the name servers do not answer' }
    : { kind: 'name-not-found', text: `name not found: ${name.slice(0, 100)}` }
}
