import { systemClock } from '../../electron/service/clock.ts'
import { createPinger } from '../../electron/service/hosts/icmp/pinger.ts'
import type { ProbeTools, Sample } from '../../electron/service/hosts/probes/probe.ts'
import { runProbe } from '../../electron/service/hosts/probes/index.ts'
import { createResolver, type Lookup } from '../../electron/service/hosts/probes/resolver.ts'
import type { Probe } from '../../electron/shared/api/probes.ts'

/** The tools of probes, real but for the names that a test makes up. */
export function probeTools(lookup?: Lookup): ProbeTools {
  const clock = systemClock()
  return { clock, pinger: createPinger(clock), resolver: createResolver(clock, lookup) }
}

/** Takes one sample. */
export function sampleFrom(domain: string, probe: Probe, tools = probeTools()): Promise<Sample> {
  return new Promise((resolve) => runProbe(domain, probe, tools, resolve))
}
