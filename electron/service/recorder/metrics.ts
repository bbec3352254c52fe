import type { Registry } from 'prom-client'
import { presences } from '../../shared/vocabulary.ts'
import type { RoomContext } from '../context.ts'
import type { Recorder } from './index.ts'

/**
 * Registers the recorder's figures for Prometheus and returns what brings them up to date. Names follow
 * https://prometheus.io/docs/practices/naming/.
 */
export async function recorderMetrics(
  registry: Registry,
  recorder: Recorder,
  { reader }: RoomContext,
): Promise<() => Promise<void>> {
  const { Gauge } = await import('prom-client')
  const registers = [registry]
  const gauge = <const Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Gauge<Label>({ name: `watchkeeper_${name}`, help, labelNames, registers })
  const duration = gauge('flight_duration_seconds', 'Length of the flight being recorded, suspend included.')
  const lastStamp = gauge(
    'last_stamp_timestamp_seconds',
    'Wall-clock time of the last stamp that was written.',
  )
  const stamps = gauge('stamps', 'Stamps written since the service started.')
  const failures = gauge('stamp_failures', 'Stamps that failed since the service started.')
  const machine = gauge(
    'machine_seconds',
    'Time since the first record, by what the machine was doing.',
    'presence',
  )
  const gaps = gauge('machine_gaps', 'Gaps since the first record, by verdict.', 'kind')
  const availability = gauge('machine_availability_ratio', 'up / (up + down) since the first record.')

  return async () => {
    const running = recorder.running()
    if (running) {
      duration.set(running.durationMs / 1_000)
      lastStamp.set(Date.parse(running.lastStamp) / 1_000)
    }
    stamps.set(recorder.counts().stamps)
    failures.set(recorder.counts().failures)
    const { figures } = await reader.ask('machineHistory', {
      now: recorder.present(),
      sinceMs: null,
      untilMs: null,
    })
    for (const presence of presences) machine.set({ presence }, figures.ms[presence] / 1_000)
    gaps.set({ kind: 'off' }, figures.stops)
    gaps.set({ kind: 'crashed' }, figures.crashes)
    gaps.set({ kind: 'recorder-off' }, figures.recorderStops)
    if (figures.availability !== null) availability.set(figures.availability / 100)
  }
}
