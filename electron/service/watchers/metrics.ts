import type { Registry } from 'prom-client'
import { watcherStates } from '../../shared/watcher-words.ts'
import type { RoomContext } from '../context.ts'
import type { Watchers } from './index.ts'
import { uniqueKey } from './wire/healthchecks-view.ts'

/** Watchers beyond this many are counted, but not shown one by one. */
const mostShown = 1_000

/**
 * Registers the watchers' figures, and beside them the names that dashboards made for healthchecks expect (hc_…). Returns
 * what brings them up to date.
 */
export async function watcherMetrics(
  registry: Registry,
  watchers: Watchers,
  { reader, clock }: RoomContext,
): Promise<() => Promise<void>> {
  const { Gauge } = await import('prom-client')
  const gauge = <const Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Gauge<Label>({ name, help, labelNames, registers: [registry] })
  const labels = ['name', 'tags', 'unique_key'] as const
  const states = gauge('watchkeeper_watchers', 'Watchers by state.', 'state')
  const up = gauge('hc_check_up', 'Whether the check is currently up (1 for yes, 0 for no).', ...labels)
  const started = gauge(
    'hc_check_started',
    'Whether the check is currently started (1 for yes, 0 for no).',
    ...labels,
  )
  const grace = gauge(
    'hc_check_grace',
    'Whether the check is in its grace time (1 for yes, 0 for no).',
    ...labels,
  )
  const paused = gauge('hc_check_paused', 'Whether the check is paused (1 for yes, 0 for no).', ...labels)
  const total = gauge('hc_checks_total', 'The total number of checks.')
  const down = gauge('hc_checks_down_total', 'The number of checks currently down.')

  return async () => {
    const {
      counts,
      all,
      watchers: shown,
    } = await reader.ask('watcherList', {
      nowMs: Math.round(clock.glance().wallMs),
      blind: watchers.blind(),
      limit: mostShown,
      offset: 0,
    })
    for (const state of watcherStates) states.set({ state }, counts[state])
    total.set(all)
    down.set(counts.late + counts.failing)
    for (const family of [up, started, grace, paused]) family.reset()
    for (const { name, tags, uuid, state, runs } of shown) {
      const label = { name, tags: tags.join(' '), unique_key: uniqueKey(uuid) }
      up.set(label, state === 'late' || state === 'failing' ? 0 : 1)
      started.set(label, runs.length > 0 ? 1 : 0)
      grace.set(label, state === 'grace' ? 1 : 0)
      paused.set(label, state === 'paused' ? 1 : 0)
    }
  }
}
