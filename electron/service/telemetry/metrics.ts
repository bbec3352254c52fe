import type { Registry } from 'prom-client'
import type { Telemetry } from './index.ts'

/** Registers what the collector does. */
export async function telemetryMetrics(
  registry: Registry,
  telemetry: Telemetry,
): Promise<() => Promise<void>> {
  const { Gauge } = await import('prom-client')
  const gauge = <const Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Gauge<Label>({ name, help, labelNames, registers: [registry] })
  const ready = gauge('watchkeeper_telemetry_up', 'Whether the store of records can be used.')
  const received = gauge(
    'watchkeeper_telemetry_received_total',
    'Records that clients sent since the start, by what became of them.',
    'outcome',
  )
  const bytes = gauge('watchkeeper_telemetry_store_bytes', 'Room that the records take.')
  const regroup = gauge(
    'watchkeeper_telemetry_regroup_share',
    'How far blaming crashes anew has come; absent when nothing is.',
  )
  return async () => {
    // A store that is away must not take the other rooms' figures with it.
    const size = await sizeOf(telemetry)
    ready.set(size === null ? 0 : 1)
    for (const [outcome, count] of Object.entries(telemetry.collector.received))
      received.set({ outcome }, count)
    bytes.reset()
    regroup.reset()
    if (size !== null) bytes.set(size)
    const { progress } = telemetry.regrouper
    if (progress) regroup.set(progress.share)
    else regroup.remove()
  }
}

async function sizeOf(telemetry: Telemetry): Promise<number | null> {
  try {
    return await telemetry.store().bytes()
  } catch {
    return null
  }
}
