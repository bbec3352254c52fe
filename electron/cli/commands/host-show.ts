import { Command } from 'commander'
import type { Host, HostHistory, HostUptime } from '../../shared/api/hosts.ts'
import { wordDuration } from '../../shared/time-text.ts'
import { say } from '../io.ts'
import { tableLines } from '../options.ts'
import { demand, withServiceOptions, type ServiceChoice } from '../service-client.ts'

const incidentsShown = 10

/** `watchkeeper host show`: how a host stands and has stood. */
export function showCommand(): Command {
  return withServiceOptions(
    new Command('show')
      .description('Show a host with its figures and newest incidents.')
      .argument('<host>', 'id, domain or name')
      .option('--json', 'print JSON', false),
  ).action(async (name: string, options: ServiceChoice & { json: boolean }) => {
    const host = await demand<Host>(options, 'GET', `/api/v1/hosts/${encodeURIComponent(name)}`)
    const path = `/api/v1/hosts/${host.id}`
    const [{ windows }, { incidents, latency }] = await Promise.all([
      demand<HostUptime>(options, 'GET', `${path}/uptime`),
      demand<HostHistory>(options, 'GET', `${path}/history?last=30d&points=100`),
    ])
    if (options.json) {
      say(JSON.stringify({ ...host, windows, incidents }, null, 2))
      return
    }
    say(`${host.name} (${host.id}, ${host.domain}): ${host.state}. ${host.sentence}`)
    for (const probe of host.probeStates) {
      const answer = probe.cause?.text ?? (probe.lastMs === null ? 'no answer yet' : `${probe.lastMs} ms`)
      const from = probe.answeredFrom === null ? '' : `, answered by ${probe.answeredFrom}`
      const certificate =
        probe.certificate === null ? '' : `, certificate good for ${probe.certificate.daysLeft} days`
      say(`  ${probe.words}: ${probe.state}, ${answer}${from}${certificate}`)
    }
    say(
      `Every ${wordDuration(host.usedIntervalMs)}, ${wordDuration(host.usedRetryMs)} while in doubt; down after ${host.failures} failures, up after ${host.successes}.`,
    )
    const rows = windows.map(({ window, figures: { uptime, parts, incidents: count } }) => [
      window,
      uptime === null ? 'not observed' : `${uptime} %`,
      `${count} incident${count === 1 ? '' : 's'}, down ${wordDuration(parts.down)}, unobserved ${wordDuration(parts.unobserved + parts.asleep)}`,
    ])
    for (const line of tableLines(rows)) say(`  ${line}`)
    if (latency.p50 !== null)
      say(
        `Latency of 30 days: median ${latency.p50} ms, 95 % below ${latency.p95 ?? '—'} ms, at most ${latency.max ?? '—'} ms, ${latency.lost} of ${latency.count} lost.`,
      )
    say(incidents.length === 0 ? 'No incidents in 30 days.' : 'Incidents of 30 days:')
    for (const { opened, closed, cause, durationMs, kind } of incidents.slice(0, incidentsShown))
      say(
        `  ${opened}  ${kind}, ${closed === null ? 'lasts for' : 'for'} ${wordDuration(durationMs)}: ${cause}`,
      )
  })
}
