import type { Clock } from '../clock.ts'
import { asksStub, farScopeOf } from './verdicts.ts'
import { timeoutOf } from './probes/probe.ts'
import type { WatchedHost, WatchedProbe } from './watched.ts'

/** So many probes of either distance bear witness. */
const mostWitnesses = 3
/** They have as long as their own limit, but no less and no more than this (ms). */
const leastMs = 2_500
const mostMs = 10_000

/**
 * Takes the few probes of either distance that were answered last, whatever else is wrong with their hosts; resolves when they have answered or had their time. `ears` are
 * called after each sample of anybody.
 */
export function callWitnesses(
  hosts: Iterable<WatchedHost>,
  clock: Clock,
  ears: Set<() => void>,
  probeNow: (probe: WatchedProbe) => void,
): Promise<void> {
  const well = [...hosts]
    .filter(({ record, isOffline }) => !record.paused && !isOffline)
    .flatMap(({ probes }) => probes.filter(isWell))
    .sort((a, b) => b.endedMs - a.endedMs)
  const chosen = (['link', 'beyond'] as const).flatMap((scope) =>
    well.filter((one) => farScopeOf(one) === scope).slice(0, mostWitnesses),
  )
  const limitMs = Math.max(0, ...chosen.map(({ settings }) => timeoutOf(settings))) + 500
  const sinceMs = clock.glance().monotonicMs
  return new Promise((resolve) => {
    const finish = (): void => {
      timer.cancel()
      ears.delete(heard)
      resolve()
    }
    const heard = (): void => {
      if (chosen.every(({ endedMs }) => endedMs > sinceMs)) finish()
    }
    const timer = clock.after(Math.max(leastMs, Math.min(mostMs, limitMs)), finish)
    ears.add(heard)
    for (const probe of chosen) probeNow(probe)
    heard()
  })
}

function isWell(probe: WatchedProbe): boolean {
  return probe.lastOk === true && probe.streaks.failures === 0 && probe.fault === null && !asksStub(probe)
}
