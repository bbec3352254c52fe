import { Command } from 'commander'
import { readFileSync } from 'node:fs'
import type { ApplyAnswer } from '../../shared/api/hosts.ts'
import { readHostFile } from '../host-file.ts'
import { CommandError, say } from '../io.ts'
import { demand, withServiceOptions, type ServiceChoice } from '../service-client.ts'

interface ApplyOptions extends ServiceChoice {
  readonly dryRun: boolean
  readonly prune: boolean
  readonly json: boolean
}

const patienceMs = 60_000

/** `watchkeeper apply`: brings the hosts of a service in line with a file. */
export function applyCommand(): Command {
  return withServiceOptions(
    new Command('apply')
      .description(
        'Bring hosts in line with a YAML file. Doing it again changes nothing; histories are kept.',
      )
      .argument('<file>', 'YAML with a list of hosts; - for standard input')
      .option('-n, --dry-run', 'only tell what would change', false)
      .option('--prune', 'remove hosts that the file does not name, with their history', false)
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

What a host does not say is as the defaults have it. \`watchkeeper export --config -\` writes such a file.`,
    )
    .action(async (file: string, options: ApplyOptions) => {
      const config = readHostFile(await readFile(file), file === '-' ? 'standard input' : file)
      const query = new URLSearchParams({ dryRun: String(options.dryRun), prune: String(options.prune) })
      const answer = await demand<ApplyAnswer>(
        options,
        'PUT',
        `/api/v1/hosts/config?${query.toString()}`,
        config,
        patienceMs,
      )
      if (options.json) {
        say(JSON.stringify(answer, null, 2))
        return
      }
      for (const [sign, list] of [
        ['+', answer.added],
        ['~', answer.changed],
        ['-', answer.removed],
      ] as const)
        for (const domain of list) say(`${sign} ${domain}`)
      const verb = options.dryRun ? 'Would be' : 'Were'
      say(
        `${verb} added: ${answer.added.length}, changed: ${answer.changed.length}, removed: ${answer.removed.length}; unchanged: ${answer.unchanged}.`,
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
