import { Command } from 'commander'
import { databaseOf, exitCodes, say } from '../io.ts'
import { databaseOption } from '../options.ts'
import { examine, type Finding } from '../doctor.ts'

interface DoctorOptions {
  readonly database?: string
  readonly json: boolean
}

const marks: Readonly<Record<Finding['level'], string>> = { ok: 'ok  ', hint: 'hint', fault: 'FAIL' }

/** `watchkeeper doctor`: finds the usual faults and names the fix. */
export function doctorCommand(finish: (exitCode: number) => void): Command {
  return new Command('doctor')
    .description('Look for the usual faults and name the fix. Changes nothing.')
    .addOption(databaseOption())
    .option('--json', 'print JSON', false)
    .addHelpText('after', '\nExit codes: 0 no fault found (hints may be), 1 a fault was found.')
    .action(async (options: DoctorOptions) => {
      const findings = await examine(databaseOf(options.database))
      if (options.json) say(JSON.stringify(findings, null, 2))
      else
        for (const { level, what, fix } of findings)
          say(`${marks[level]}  ${what}${fix === null ? '' : `\n      → ${fix}`}`)
      finish(findings.some(({ level }) => level === 'fault') ? exitCodes.failed : exitCodes.ok)
    })
}
