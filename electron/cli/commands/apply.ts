import { Command } from 'commander'
import { readFileSync } from 'node:fs'
import { configSections, type ConfigAnswer, type ConfigSection } from '../../shared/api/config.ts'
import { CommandError, say } from '../io.ts'
import { demand, withServiceOptions, type ServiceChoice } from '../service-client.ts'

interface ApplyOptions extends ServiceChoice {
  readonly dryRun: boolean
  readonly prune: boolean
  readonly json: boolean
}

const patienceMs = 60_000

/** What one entry of a section is called. */
const entryWords: Readonly<Record<ConfigSection, string>> = {
  anchors: 'anchor',
  channels: 'channel',
  hosts: 'host',
  watchers: 'watcher',
  maintenance: 'maintenance window',
  health: 'health setting',
  telemetry: 'telemetry setting',
}

/** `watchkeeper apply`: brings what a service was told in line with a file. */
export function applyCommand(): Command {
  return withServiceOptions(
    new Command('apply')
      .description(
        'Bring hosts, watchers, channels, maintenance windows and settings in line with a YAML file. Doing it again changes nothing; histories are kept.',
      )
      .argument('<file>', 'YAML; - for standard input')
      .option('-n, --dry-run', 'only tell what would change', false)
      .option(
        '--prune',
        'remove what a list of the file does not name, with its history; lists that are not in it stay',
        false,
      )
      .option('--json', 'print JSON', false),
  )
    .addHelpText(
      'after',
      `
A file such as:
  hosts:
    - 192.168.1.1
    - domain: nas.lan
      name: NAS
      group: home
      parent: 192.168.1.1
      interval: 30s
      probes:
        - icmp
        - { kind: tcp, port: 22 }
        - { kind: http, url: "http://nas.lan/", keyword: Welcome, timeout: 5s }
  watchers:
    - { name: Nightly backup, cron: "0 3 * * *", grace: 30m, limit: 2h }
    - name: Dump of the database
      every: 26h
      source: { kind: file, path: "/srv/dumps/*.gz", leastBytes: 1000 }
  channels:
    - { name: Phone, kind: ntfy, settings: { url: "https://ntfy.sh", topic: my-alerts } }
  health: { notifyFrom: critical }

All of it is checked before anything is changed. What an entry does not say is as the defaults have it. \`watchkeeper export --config -\` writes such a file.`,
    )
    .action(async (file: string, options: ApplyOptions) => {
      const text = await readFile(file)
      const query = new URLSearchParams({ dryRun: String(options.dryRun), prune: String(options.prune) })
      const answer = await demand<ConfigAnswer>(
        options,
        'PUT',
        `/api/v1/config?${query.toString()}`,
        { text },
        patienceMs,
      )
      if (options.json) {
        say(JSON.stringify(answer, null, 2))
        return
      }
      const sums = { added: 0, changed: 0, removed: 0, unchanged: 0 }
      for (const section of configSections) {
        const told = answer[section]
        if (told === undefined) continue
        for (const [sign, what] of [
          ['+', 'added'],
          ['~', 'changed'],
          ['-', 'removed'],
        ] as const) {
          sums[what] += told[what].length
          for (const name of told[what]) say(`${sign} ${entryWords[section]} ${name}`)
        }
        sums.unchanged += told.unchanged
      }
      const verb = options.dryRun ? 'Would be' : 'Were'
      say(
        `${verb} added: ${sums.added}, changed: ${sums.changed}, removed: ${sums.removed}; unchanged: ${sums.unchanged}.`,
      )
    })
}

async function readFile(file: string): Promise<string> {
  try {
    if (file !== '-') return readFileSync(file, 'utf8')
    // Standard input may not be ready yet, which only waiting for it tells.
    let text = ''
    for await (const chunk of process.stdin.setEncoding('utf8')) text += String(chunk)
    return text
  } catch (error) {
    throw new CommandError(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
