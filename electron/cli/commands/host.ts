import { Command, Option } from 'commander'
import type { ChangeHost, CreateHost, Host, HostList, TryAnswer } from '../../shared/api/hosts.ts'
import { wordDuration } from '../../shared/time-text.ts'
import { CommandError, exitCodes, say, sayAll } from '../io.ts'
import { collect, length, tableLines, whole } from '../options.ts'
import { namesProbes, probesOf, withProbeOptions, type ProbeOptions } from '../probe-options.ts'
import { demand, withServiceOptions, type ServiceChoice } from '../service-client.ts'
import { showCommand } from './host-show.ts'

interface SettingOptions extends ServiceChoice, ProbeOptions {
  readonly name?: string
  readonly description?: string
  readonly group?: string
  readonly tag: string[]
  readonly parent?: string
  readonly every?: number
  readonly retry?: number
  readonly failures?: number
  readonly successes?: number
  readonly remind?: number
  readonly email: string[]
  readonly json: boolean
}

/** `watchkeeper host`: the hosts that a service probes. */
export function hostCommand(): Command {
  const command = new Command('host').description('Add, change, list, show, pause, remove and test hosts.')
  for (const sub of [
    addCommand(),
    changeCommand(),
    listCommand(),
    showCommand(),
    pauseCommand(true),
    pauseCommand(false),
    removeCommand(),
    testCommand(),
  ])
    command.addCommand(sub)
  return command
}

function withSettingOptions(command: Command): Command {
  return withProbeOptions(
    withServiceOptions(command)
      .option('--name <name>', 'what people call it')
      .option('--description <text>', 'what it is about')
      .option('--group <group>', 'the group it belongs to')
      .addOption(new Option('--tag <tag>', 'may be repeated').argParser(collect).default([], 'none'))
      .option('--parent <host>', 'the host behind which it is, such as its router')
      .option('--every <length>', 'interval, such as 30s or 5m', length('--every'))
      .option('--retry <length>', 'interval while in doubt', length('--retry'))
      .option('--failures <n>', 'in a row before it is down', whole('--failures', 1, 100))
      .option('--successes <n>', 'in a row before it is up again', whole('--successes', 1, 100))
      .option('--remind <length>', 'remind after this long while it lasts', length('--remind'))
      .addOption(
        new Option('--email <address>', 'told beside the channels; may be repeated')
          .argParser(collect)
          .default([], 'none'),
      ),
  ).option('--json', 'print JSON', false)
}

/** Returns the settings that were named, and no others. */
async function settingsOf(options: SettingOptions): Promise<ChangeHost> {
  const { name, description, group, tag, parent, every, retry, failures, successes, remind, email } = options
  return {
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description }),
    ...(group !== undefined && { group }),
    ...(tag.length > 0 && { tags: tag }),
    ...(parent !== undefined && { parent: parent === '' ? null : (await hostOf(options, parent)).id }),
    ...(every !== undefined && { intervalMs: every }),
    ...(retry !== undefined && { retryMs: retry }),
    ...(failures !== undefined && { failures }),
    ...(successes !== undefined && { successes }),
    ...(remind !== undefined && { remindMs: remind }),
    ...(email.length > 0 && { emails: email }),
  }
}

function hostOf(choice: ServiceChoice, name: string): Promise<Host> {
  return demand<Host>(choice, 'GET', `/api/v1/hosts/${encodeURIComponent(name)}`)
}

function addCommand(): Command {
  return withSettingOptions(
    new Command('add')
      .description('Add a host.')
      .argument('<domain>', 'name or address')
      .option('--paused', 'do not probe yet', false),
  ).action(async (domain: string, options: SettingOptions & { paused: boolean }) => {
    const body: CreateHost = {
      ...(await settingsOf(options)),
      domain,
      paused: options.paused,
      probes: probesOf(options),
    }
    const host = await demand<Host>(options, 'POST', '/api/v1/hosts', body)
    if (options.json) say(JSON.stringify(host, null, 2))
    else {
      const what = host.probeStates.map(({ words }) => words).join(', ')
      say(`Added ${host.name} (${host.id}): ${what}, every ${wordDuration(host.usedIntervalMs)}.`)
    }
  })
}

function changeCommand(): Command {
  return withSettingOptions(
    new Command('change')
      .description('Change a host; what is not named stays. Naming a probe replaces all probes.')
      .argument('<host>', 'id, domain or name')
      .option('--domain <domain>', 'its new name or address'),
  ).action(async (name: string, options: SettingOptions & { domain?: string }) => {
    const { id } = await hostOf(options, name)
    const body: ChangeHost = {
      ...(await settingsOf(options)),
      ...(options.domain !== undefined && { domain: options.domain }),
      ...(namesProbes(options) && { probes: probesOf(options) }),
    }
    if (Object.keys(body).length === 0)
      throw new CommandError('say what to change, such as --every 30s', exitCodes.usage)
    const host = await demand<Host>(options, 'PATCH', `/api/v1/hosts/${id}`, body)
    say(options.json ? JSON.stringify(host, null, 2) : `Changed ${host.name} (${host.id}).`)
  })
}

function listCommand(): Command {
  return withServiceOptions(
    new Command('list')
      .description('List hosts, problems first.')
      .option('--state <states>', 'only these states, comma-separated; problem means down and degraded')
      .option('--tag <tag>', 'only those with this tag')
      .option('--group <group>', 'only those of this group')
      .option('--search <text>', 'only those with this text')
      .option('--json', 'print JSON', false),
  ).action(
    async (
      options: ServiceChoice & {
        state?: string
        tag?: string
        group?: string
        search?: string
        json: boolean
      },
    ) => {
      const query = new URLSearchParams({
        limit: '1000',
        ...(options.state !== undefined && { state: options.state }),
        ...(options.tag !== undefined && { tag: options.tag }),
        ...(options.group !== undefined && { group: options.group }),
        ...(options.search !== undefined && { q: options.search }),
      })
      const list = await demand<HostList>(options, 'GET', `/api/v1/hosts?${query.toString()}`)
      if (options.json) {
        say(JSON.stringify(list, null, 2))
        return
      }
      const lines =
        list.hosts.length === 0
          ? [list.all === 0 ? 'No hosts. Add one with `watchkeeper host add`.' : 'No host fits.']
          : tableLines([
              ['STATE', 'ID', 'NAME', 'DOMAIN', 'UPTIME 24 H', ''],
              ...list.hosts.map(({ state, id, name, domain, uptime, sentence }) => [
                state,
                String(id),
                name,
                domain,
                uptime === null ? '—' : `${uptime} %`,
                sentence,
              ]),
            ])
      const rest = list.total - list.hosts.length
      await sayAll([...lines, ...(rest > 0 ? [`… and ${rest} more`] : [])].map((line) => `${line}\n`))
    },
  )
}

function pauseCommand(paused: boolean): Command {
  const verb = paused ? 'pause' : 'unpause'
  return withServiceOptions(
    new Command(verb)
      .description(paused ? 'Stop probing a host for a while.' : 'Probe a host again.')
      .argument('<host>', 'id, domain or name'),
  ).action(async (name: string, options: ServiceChoice) => {
    const host = await demand<Host>(options, 'POST', `/api/v1/hosts/${encodeURIComponent(name)}/${verb}`)
    say(`${host.name} (${host.id}) is ${paused ? 'paused' : 'no longer paused'}.`)
  })
}

function removeCommand(): Command {
  return withServiceOptions(
    new Command('remove')
      .description('Remove a host with its history.')
      .argument('<host>', 'id, domain or name'),
  ).action(async (name: string, options: ServiceChoice) => {
    await demand(options, 'DELETE', `/api/v1/hosts/${encodeURIComponent(name)}`)
    say(`Removed ${name}.`)
  })
}

const longestTryMs = 70_000

function testCommand(): Command {
  return withProbeOptions(
    withServiceOptions(
      new Command('test')
        .description('Take one sample from where the service runs, without keeping anything.')
        .argument('<host>', 'id, domain or name of a host that is there, or any name or address'),
    ),
  )
    .option('--json', 'print JSON', false)
    .addHelpText(
      'after',
      '\nExit codes: 0 every probe was answered, 1 one was not, 2 bad arguments, 3 no service.',
    )
    .action(async (name: string, options: SettingOptions) => {
      const known = namesProbes(options)
        ? null
        : await hostOf(options, name).catch((error: unknown) => {
            // A name that no host has is probed as it stands.
            const isUnknown = error instanceof CommandError && error.message.startsWith('there is no host')
            if (!isUnknown) throw error
            return null
          })
      const body = known
        ? { domain: known.domain, probes: known.probes }
        : { domain: name, probes: probesOf(options) }
      const { results } = await demand<TryAnswer>(options, 'POST', '/api/v1/hosts/try', body, longestTryMs)
      if (options.json) say(JSON.stringify(results, null, 2))
      else
        for (const { ok, words, text, address } of results)
          say(
            `${ok ? 'ok    ' : 'failed'}  ${words}: ${text}${address === null || address === name ? '' : ` (${address})`}`,
          )
      if (results.some(({ ok }) => !ok)) throw new CommandError(`${name} did not answer as it should`)
    })
}
