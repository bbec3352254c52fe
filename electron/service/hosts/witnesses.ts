import type { Clock } from '../clock.ts'
import { asksStub, farScopeOf } from './verdicts.ts'
import { worstVerdict, type WatchedHost, type WatchedProbe } from './watched.ts'

/** So many hosts of either distance bear witness, and have so long for it (ms). */
const mostWitnesses = 3
const witnessMs = 2_500

/**
 * Probes the few hosts of either distance that answered last; resolves when they have answered or had their time. `ears` are
 * called after each sample of anybody.
 */
export function callWitnesses(
  hosts: Iterable<WatchedHost>,
  clock: Clock,
  ears: Set<() => void>,
  probeNow: (probe: WatchedProbe) => void,
): Promise<void> {
  const well = [...hosts].filter(isWell).sort((a, b) => endOf(b) - endOf(a))
  const chosen = (['link', 'beyond'] as const).flatMap((scope) =>
    well
      .flatMap(({ probes }) => probes.filter((one) => farScopeOf(one) === scope && !asksStub(one)))
      .slice(0, mostWitnesses),
  )
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
    const timer = clock.after(witnessMs, finish)
    ears.add(heard)
    for (const probe of chosen) probeNow(probe)
    heard()
  })
}

function isWell(host: WatchedHost): boolean {
  const isClear = host.probes.every(({ streaks, lastOk }) => lastOk === true && streaks.failures === 0)
  return !host.record.paused && !host.isOffline && worstVerdict(host) === 'up' && isClear
}

function endOf({ probes }: WatchedHost): number {
  return Math.max(...probes.map(({ endedMs }) => endedMs))
}
