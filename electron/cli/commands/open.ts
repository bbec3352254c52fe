import { Command } from 'commander'
import { isLocked, readServiceAddress } from '../../service/store/lock.ts'
import { CommandError, databaseOf, exitCodes, say } from '../io.ts'
import { databaseOption } from '../options.ts'
import { requireKey } from './key.ts'

interface OpenOptions {
  readonly database?: string
  readonly print: boolean
}

/** `watchkeeper open`: opens the UI of the running service in the browser. */
export function openCommand(): Command {
  return new Command('open')
    .description('Open the UI of the running service in the browser, with its access key.')
    .addOption(databaseOption())
    .option('--print', 'only print the address', false)
    .addHelpText(
      'after',
      '\nExit codes: 0 opened or printed, 1 no browser could be started, 3 no service runs.',
    )
    .action(async (options: OpenOptions) => {
      const database = databaseOf(options.database)
      const address = isLocked(database) ? readServiceAddress(database) : null
      if (address === null) {
        throw new CommandError(
          `no service runs on ${database}; start it with \`watchkeeper serve\``,
          exitCodes.notThere,
        )
      }
      const url = address.needsKey ? `${address.origin}/#key=${requireKey(database)}` : `${address.origin}/`
      if (options.print) {
        say(url)
        return
      }
      await openBrowser(url)
    })
}

async function openBrowser(url: string): Promise<void> {
  const hasDisplay =
    process.platform !== 'linux' || Boolean(process.env['DISPLAY'] || process.env['WAYLAND_DISPLAY'])
  if (!hasDisplay)
    throw new CommandError('there is no display here; `watchkeeper open --print` prints the address')
  const { default: open } = await import('open')
  const child = await open(url)
  await new Promise<void>((resolve, reject) => {
    child.once('error', () =>
      reject(new CommandError('no browser could be started; `watchkeeper open --print` prints the address')),
    )
    child.once('spawn', () => resolve())
  })
}
