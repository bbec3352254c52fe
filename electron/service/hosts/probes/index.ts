import type { Probe } from '../../../shared/api/probes.ts'
import { runDns } from './dns.ts'
import { runHttp, urlOf } from './http.ts'
import { runIcmp } from './icmp.ts'
import { sampleOf, type ProbeTools, type Sample } from './probe.ts'
import { runTcp } from './tcp.ts'

/** Takes one sample of a probe; see {@link Run}. Whatever a probe trips over is our own fault, and ends nothing else. */
export function runProbe(
  domain: string,
  probe: Probe,
  tools: ProbeTools,
  done: (sample: Sample) => void,
): void {
  try {
    run(domain, probe, tools, done)
  } catch (error) {
    const fault = `this probe cannot be taken: ${error instanceof Error ? error.message : 'it failed'}`
    const atMs = Math.round(tools.clock.glance().wallMs)
    setImmediate(() => done(sampleOf(atMs, { fault })))
  }
}

function run(domain: string, probe: Probe, tools: ProbeTools, done: (sample: Sample) => void): void {
  switch (probe.kind) {
    case 'icmp':
      runIcmp(domain, probe, tools, done)
      return
    case 'tcp':
      runTcp(domain, probe, tools, done)
      return
    case 'http':
      runHttp(domain, probe, tools, done)
      return
    case 'dns':
      runDns(domain, probe, tools, done)
      return
    default:
      probe satisfies never
  }
}

/** Returns what a probe does, in words. */
export function probeWords(domain: string, probe: Probe): string {
  switch (probe.kind) {
    case 'icmp':
      return 'ping'
    case 'tcp':
      return `TCP port ${probe.port}`
    case 'http':
      return urlOf(domain, probe)
    case 'dns':
      return `DNS ${probe.record} of ${probe.name ?? domain}${probe.server === undefined ? '' : ` at ${probe.server}`}`
    default:
      return probe satisfies never
  }
}
