import { connect } from 'node:net'
import type { ProbeOf } from '../../../shared/api/probes.ts'
import { connectionFailure, sampleOf, timeoutOf, type Run } from './probe.ts'

/** Takes a TCP connection and closes it at once. */
export const runTcp: Run<ProbeOf<'tcp'>> = (domain, settings, { clock, resolver }, done) => {
  const atMs = Math.round(clock.glance().wallMs)
  resolver.find(domain, settings.family ?? 'any', (found) => {
    if (!('address' in found)) {
      setImmediate(() => done(sampleOf(atMs, found)))
      return
    }
    const { address } = found
    const beginMs = clock.glance().monotonicMs
    const socket = connect({ host: address, port: settings.port })
    let isOver = false
    const end = (result: Parameters<typeof sampleOf>[1]): void => {
      if (isOver) return
      isOver = true
      timer.cancel()
      socket.destroy()
      if (!('ms' in result)) resolver.forget(domain)
      done(sampleOf(atMs, result, { address }))
    }
    const timer = clock.after(timeoutOf(settings), () => end({ cause: { kind: 'timeout', text: 'timeout' } }))
    socket.once('connect', () => end({ ms: clock.glance().monotonicMs - beginMs }))
    socket.on('error', (error) => end(connectionFailure(error)))
  })
}
