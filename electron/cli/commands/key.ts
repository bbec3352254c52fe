import { Command } from 'commander'
import { readKey } from '../../service/http/access.ts'
import { sideFiles } from '../../service/store/location.ts'
import { CommandError, databaseOf, exitCodes, say } from '../io.ts'
import { databaseOption } from '../options.ts'

/** `watchkeeper key`: prints the access key alone on one line. */
export function keyCommand(): Command {
  return new Command('key')
    .description('Print the access key of the service, alone on one line.')
    .addOption(databaseOption())
    .addHelpText(
      'after',
      '\nExample:\n  curl -H "X-Api-Key: $(watchkeeper key)" http://127.0.0.1:8737/api/v1/machine/now',
    )
    .action((options: { database?: string }) => {
      say(requireKey(databaseOf(options.database)))
    })
}

/** @throws CommandError when the database has no access key yet */
export function requireKey(database: string): string {
  const { key: file } = sideFiles(database)
  const key = readKey(file)
  if (key === null) {
    throw new CommandError(
      `there is no readable access key at ${file}; start the service once with \`watchkeeper serve\``,
      exitCodes.notThere,
    )
  }
  return key
}
