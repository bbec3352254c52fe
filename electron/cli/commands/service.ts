import { Command } from 'commander'
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, userInfo } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline/promises'
import { CommandError, databaseOf, exitCodes, say } from '../io.ts'
import { databaseOption } from '../options.ts'
import { absolutePaths, filesAmong, ownCommand } from '../own-command.ts'
import { launchdUnit } from '../units/launchd.ts'
import { systemdUnit } from '../units/systemd.ts'
import { taskUnit } from '../units/task-scheduler.ts'
import type { Unit, UnitParts } from '../units/unit.ts'

interface ServiceOptions {
  readonly database?: string
  readonly system?: boolean
  readonly user?: boolean
  readonly runAs?: string
  readonly yes: boolean
  readonly dryRun: boolean
}

/** `watchkeeper service`: has the system's service manager run it. */
export function serviceCommand(): Command {
  const command = new Command('service').description(
    'Have systemd, launchd or the Windows task scheduler run the service, from the start of the machine or your login on.',
  )
  const withOptions = (sub: Command): Command =>
    sub
      .addOption(databaseOption())
      .option('--user', 'for you alone (the default, unless you are root)')
      .option('--system', 'for the whole machine, from its start on')
      .option('-y, --yes', 'do not ask', false)
      .option('--dry-run', 'only print what would be done', false)
  command.addCommand(
    withOptions(new Command('install'))
      .description('Print the unit and what is run, ask, and do it.')
      .argument('[serve options...]', 'options of `watchkeeper serve`, after --')
      .option('--run-as <user>', 'who runs a service of the whole machine')
      .action((more: string[], options: ServiceOptions) => install(options, more)),
  )
  command.addCommand(
    withOptions(new Command('remove'))
      .description('Stop it and take its unit away. What was recorded stays.')
      .action((options: ServiceOptions) => remove(options)),
  )
  command.addHelpText(
    'after',
    `
Examples:
  watchkeeper service install --dry-run
  watchkeeper service install --yes -- --listen 0.0.0.0:8737
  sudo watchkeeper service install --system --run-as watchkeeper -d /var/lib/watchkeeper/watchkeeper.db
  loginctl enable-linger                  let a service of yours run before you log in (systemd)`,
  )
  return command
}

function unitOf(options: ServiceOptions, more: readonly string[]): Unit {
  if (options.system === true && options.user === true)
    throw new CommandError('give either --user or --system, not both', exitCodes.usage)
  const isSystem = options.system ?? (options.user !== true && process.getuid?.() === 0)
  const database = path.resolve(databaseOf(options.database))
  const files = filesAmong(more)
  const folders = new Set([database, ...files.values()].map((file) => path.dirname(file)))
  const parts: UnitParts = {
    command: [...ownCommand(), 'serve', '-d', database, ...absolutePaths(more)],
    files,
    database,
    missingFolders: [...folders].filter((folder) => !existsSync(folder)),
    mayEcho: mayEcho(),
    scope: isSystem ? 'system' : 'user',
    user: options.runAs ?? (process.platform === 'win32' && !isSystem ? userInfo().username : null),
    home: homedir(),
  }
  switch (process.platform) {
    case 'linux':
      return systemdUnit(parts)
    case 'darwin':
      return launchdUnit(parts, process.getuid?.() ?? 0)
    case 'win32':
      return taskUnit(parts)
    default:
      throw new CommandError(`no service manager of ${process.platform} is known; use \`watchkeeper daemon\``)
  }
}

/** Whether ordinary programs of this user may send echoes: icmp(7), `ping_group_range`. */
function mayEcho(): boolean {
  try {
    const range = readFileSync('/proc/sys/net/ipv4/ping_group_range', 'utf8').trim().split(/\s+/).map(Number)
    const [first = 1, last = 0] = range
    return [process.getgid?.() ?? -1, ...(process.getgroups?.() ?? [])].some(
      (id) => id >= first && id <= last,
    )
  } catch {
    return false
  }
}

async function install(options: ServiceOptions, more: readonly string[]): Promise<void> {
  const unit = unitOf(options, more)
  await checkSystem(options)
  say(`# ${unit.file}\n${unit.text}`)
  for (const words of unit.install) say(`$ ${words.join(' ')}`)
  if (
    options.dryRun ||
    !(await isMeant(
      options,
      existsSync(unit.file) ? 'Replace the file and run these?' : 'Write the file and run these?',
    ))
  )
    return
  const before = readOrNull(unit.file)
  write(unit)
  try {
    for (const words of unit.replace) await run(words).catch(() => undefined)
    for (const words of unit.install) await run(words)
  } catch (error) {
    // Half a service would only puzzle whoever finds it, and one that cannot start would be tried for ever.
    for (const words of unit.remove.slice(0, 1)) await run(words).catch(() => undefined)
    if (before === null) rmSync(unit.file, { force: true })
    else writeFileSync(unit.file, before)
    for (const words of unit.remove.slice(1)) await run(words).catch(() => undefined)
    throw error
  }
  say('Installed; it runs. `watchkeeper status` says what it records, `watchkeeper open` opens the UI.')
}

/** @throws CommandError for a user who is not there, or a machine without the manager */
async function checkSystem({ runAs }: ServiceOptions): Promise<void> {
  if (process.platform !== 'linux') return
  if (runAs !== undefined) await run(['id', '-u', runAs]).catch(() => refuseUser(runAs))
  // A container's systemctl may be another manager's; it says itself when it cannot.
  if (!existsSync('/run/systemd/system'))
    say('# systemd does not seem to run on this machine; `watchkeeper daemon` needs none')
}

function refuseUser(name: string): never {
  throw new CommandError(`argument --run-as: there is no user '${name}'`, exitCodes.usage)
}

async function remove(options: ServiceOptions): Promise<void> {
  const unit = unitOf(options, [])
  if (!existsSync(unit.file) && process.platform !== 'win32')
    throw new CommandError(
      `there is no ${unit.file}; nothing was installed there (--user and --system choose the other place)`,
    )
  for (const words of unit.remove) say(`$ ${words.join(' ')}`)
  say(`$ rm ${unit.file}`)
  if (options.dryRun || !(await isMeant(options, 'Run these?'))) return
  const [first, ...rest] = unit.remove
  // One that does not run any more is removed all the same.
  if (first)
    await run(first).catch((error: unknown) => say(error instanceof Error ? error.message : String(error)))
  rmSync(unit.file, { force: true })
  for (const words of rest) await run(words)
  say('Removed. What was recorded stays where it is.')
}

/** @throws CommandError where nobody can be asked */
async function isMeant({ yes }: ServiceOptions, question: string): Promise<boolean> {
  if (yes) return true
  if (!process.stdin.isTTY)
    throw new CommandError('nothing was changed: say --yes to do it, or --dry-run to look', exitCodes.usage)
  const dialog = createInterface({ input: process.stdin, output: process.stdout })
  const answer = await dialog.question(`${question} [y/N] `)
  dialog.close()
  return /^y(es)?$/i.test(answer.trim())
}

function readOrNull(file: string): Buffer | null {
  try {
    return readFileSync(file)
  } catch {
    return null
  }
}

/** @throws CommandError */
function write({ file, text }: Unit): void {
  try {
    mkdirSync(path.dirname(file), { recursive: true })
    // The task scheduler reads the encoding that its own exports have.
    if (file.endsWith('.xml')) writeFileSync(file, `\ufeff${text}`, 'utf16le')
    else writeFileSync(file, text, { mode: 0o644 })
  } catch (error) {
    throw new CommandError(`cannot write ${file}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function run([program = '', ...args]: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(program, args, (error, stdout, stderr) => {
      if (error === null) resolve()
      else
        reject(
          new CommandError(
            `${program} ${args.join(' ')} failed: ${(stderr || stdout || error.message).trim().split('\n')[0] ?? ''}`,
          ),
        )
    })
  })
}
