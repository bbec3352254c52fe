import type { Registry } from 'prom-client'
import { hostStates } from '../../shared/host-words.ts'
import type { RoomContext } from '../context.ts'
import type { Hosts } from './index.ts'
import { daysLeft } from './probes/http-rules.ts'
import { stateOf } from './view.ts'

/** Hosts beyond this many are counted, but not shown one by one. */
const mostShown = 10_000

/** Registers the hosts' figures, those of single probes by the names of Prometheus' blackbox exporter. */
export async function hostMetrics(
  registry: Registry,
  hosts: Hosts,
  { clock }: RoomContext,
): Promise<() => Promise<void>> {
  const { Gauge } = await import('prom-client')
  const labels = ['host', 'domain', 'probe', 'kind'] as const
  const gauge = <const Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Gauge<Label>({ name, help, labelNames, registers: [registry] })
  const states = gauge('watchkeeper_hosts', 'Hosts by state.', 'state')
  const skipped = gauge('watchkeeper_probes_skipped', 'Samples left out because the one before was not over.')
  const online = gauge(
    'watchkeeper_online',
    "Whether this machine's own connection works (1), fails (0); absent when unknown.",
  )
  const success = gauge('probe_success', 'Displays whether or not the probe was a success', ...labels)
  const duration = gauge(
    'probe_duration_seconds',
    'Returns how long the probe took to complete in seconds',
    ...labels,
  )
  const icmp = gauge('probe_icmp_duration_seconds', 'Duration of icmp request by phase', 'phase', ...labels)
  const expiry = gauge(
    'probe_ssl_earliest_cert_expiry',
    'Returns last SSL chain expiry in unixtime',
    ...labels,
  )
  const days = gauge(
    'watchkeeper_certificate_days_left',
    'Whole days until a certificate expires.',
    ...labels,
  )

  return () => {
    for (const family of [states, online, success, duration, icmp, expiry, days]) family.reset()
    const all = [...hosts.watched.values()]
    for (const state of hostStates) states.set({ state }, 0)
    for (const host of all) states.inc({ state: stateOf(host) })
    skipped.set(all.reduce((sum, { probes }) => sum + probes.reduce((part, one) => part + one.skipped, 0), 0))
    if (hosts.connection.state !== 'unknown') online.set(hosts.connection.state === 'online' ? 1 : 0)
    for (const host of all.slice(0, mostShown)) {
      const state = stateOf(host)
      for (const probe of host.probes) {
        const label = {
          host: host.record.name,
          domain: host.record.domain,
          probe: String(probe.id),
          kind: probe.settings.kind,
        }
        // Of what is not observed there is nothing to tell, rather than a stale success.
        if (state !== 'paused' && state !== 'unobserved' && probe.lastOk !== null) {
          success.set(label, probe.lastOk ? 1 : 0)
          if (probe.latencyMs !== null && probe.lastOk) {
            duration.set(label, probe.latencyMs / 1_000)
            if (probe.settings.kind === 'icmp') icmp.set({ ...label, phase: 'rtt' }, probe.latencyMs / 1_000)
          }
        }
        if (probe.certificate) {
          expiry.set(label, Math.round(probe.certificate.expiresMs / 1_000))
          days.set(label, daysLeft(probe.certificate, clock.glance().wallMs))
        }
      }
    }
    return Promise.resolve()
  }
}
