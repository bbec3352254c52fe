import { Command, CommanderError } from 'commander'
import { version } from '../service/version.ts'
import { applyCommand } from './commands/apply.ts'
import { daemonCommand } from './commands/daemon.ts'
import { doctorCommand } from './commands/doctor.ts'
import { exportCommand } from './commands/export.ts'
import { healthCommand } from './commands/health.ts'
import { hostCommand } from './commands/host.ts'
import { importCommand } from './commands/import.ts'
import { keyCommand } from './commands/key.ts'
import { openCommand } from './commands/open.ts'
import { pingCommand } from './commands/ping.ts'
import { reportCommand } from './commands/report.ts'
import { serveCommand } from './commands/serve.ts'
import { serviceCommand } from './commands/service.ts'
import { runCommand } from './commands/run.ts'
import { statusCommand } from './commands/status.ts'
import { telemetryCommand } from './commands/telemetry.ts'
import { triggerCommand } from './commands/trigger.ts'
import { watcherCommand } from './commands/watcher.ts'
import { CommandError, exitCodes } from './io.ts'

/** Runs the command line and returns the exit code. Every failure is one line on standard error. */
export async function main(args: readonly string[]): Promise<number> {
  const program = new Command('watchkeeper')
    .description('Tells you when your machine stops, and knows when it was itself not looking.')
    .version(version, '-V, --version')
    .enablePositionalOptions()
  const outcome = { exitCode: exitCodes.ok as number }
  const finish = (exitCode: number): void => {
    outcome.exitCode = exitCode
  }
  for (const command of [
    serveCommand(),
    reportCommand(),
    statusCommand(finish),
    keyCommand(),
    openCommand(),
    exportCommand(),
    importCommand(),
    doctorCommand(finish),
    daemonCommand(finish),
    serviceCommand(),
    hostCommand(),
    applyCommand(),
    pingCommand(finish),
    watcherCommand(),
    triggerCommand(),
    telemetryCommand(),
    healthCommand(finish),
    runCommand(finish),
  ]) {
    program.addCommand(command)
  }
  for (const command of [program, ...program.commands, ...program.commands.flatMap((one) => one.commands)]) {
    command.exitOverride().configureOutput({ outputError: (text, write) => write(oneLine(text)) })
  }
  if (args.length === 0) {
    program.outputHelp({ error: true })
    return exitCodes.usage
  }
  try {
    await program.parseAsync([...args], { from: 'user' })
    return outcome.exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
    process.stderr.write(oneLine(`watchkeeper: ${error instanceof Error ? error.message : String(error)}`))
    return error instanceof CommandError ? error.exitCode : exitCodes.failed
  }
}

function oneLine(text: string): string {
  return `${text.trim().replace(/\s*\n\s*/g, ' ')}\n`
}
