import { Command, Option } from 'commander'
import { keyScopes, type AccessKey, type NewKey } from '../../shared/api/service.ts'
import { readKey } from '../../service/http/access.ts'
import { sideFiles } from '../../service/store/location.ts'
import { CommandError, databaseOf, exitCodes, say } from '../io.ts'
import { databaseOption } from '../options.ts'
import { demand, withServiceOptions, type ServiceChoice } from '../service-client.ts'

/** `watchkeeper key`: prints the access key alone on one line, and makes others that allow less. */
export function keyCommand(): Command {
  const command = new Command('key')
    .enablePositionalOptions()
    .description('Print the access key of the service, alone on one line; or make, list and remove others.')
    .addOption(databaseOption())
    .addHelpText(
      'after',
      '\nExample:\n  curl -H "X-Api-Key: $(watchkeeper key)" http://127.0.0.1:8737/api/v1/machine/now',
    )
    .action((options: { database?: string }) => {
      say(requireKey(databaseOf(options.database)))
    })
  return command.addCommand(addCommand()).addCommand(listCommand()).addCommand(removeCommand())
}

function addCommand(): Command {
  return withServiceOptions(
    new Command('add')
      .description('Make a key and print it; it cannot be shown again.')
      .argument('<name>', 'what it is for')
      .addOption(
        new Option('--scope <scope>', 'what it allows: everything, reading, or triggering watchers')
          .choices([...keyScopes])
          .default('read'),
      ),
  ).action(async (name: string, options: ServiceChoice & { scope: string }) => {
    const { key } = await demand<NewKey>(options, 'POST', '/api/v1/keys', { name, scope: options.scope })
    say(key)
  })
}

function listCommand(): Command {
  return withServiceOptions(new Command('list').description('List the keys made with `key add`.')).action(
    async (options: ServiceChoice) => {
      const keys = await demand<AccessKey[]>(options, 'GET', '/api/v1/keys')
      if (keys.length === 0) say('No keys beside the first one.')
      for (const { id, name, scope, created } of keys) say(`${id}  ${scope.padEnd(7)}  ${created}  ${name}`)
    },
  )
}

function removeCommand(): Command {
  return withServiceOptions(
    new Command('remove').description('Remove a key by its number.').argument('<number>'),
  ).action(async (number: string, options: ServiceChoice) => {
    await demand(options, 'DELETE', `/api/v1/keys/${encodeURIComponent(number)}`)
    say(`Removed key ${number}.`)
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
