import { homedir } from 'node:os'
import process from 'node:process'
import { systemClock } from '../clock.ts'
import { parseListen } from '../http/listen.ts'
import { createLog, fileTarget, stderrTarget, type LogTarget } from '../log.ts'
import { runChild } from './child.ts'
import { shellPort, type ParentPort } from './port.ts'

/** The utility process: the service with the shell's port. */

const mostLogBytes = 5_000_000

const port = (process as unknown as { readonly parentPort?: ParentPort }).parentPort
if (!port) {
  process.stderr.write(
    'This program is started by the Watchkeeper app; `watchkeeper serve` runs without it.\n',
  )
  process.exit(1)
}

// The database and its copies hold the secrets of watchers and channels.
process.umask(0o077)
const clock = systemClock()
const log = createLog('info', logTarget(process.env['WATCHKEEPER_LOG']), () => clock.glance().wallMs)
process.stderr.on('error', () => undefined)
process.stdout.on('error', () => undefined)

// A utility process only warns of these (https://www.electronjs.org/docs/latest/breaking-changes, 37.0), and a service in an
// unknown state must not go on: the shell starts another.
for (const event of ['unhandledRejection', 'uncaughtException'] as const)
  process.on(event, (error: unknown) => {
    log.fatal({ err: error }, 'The service met an error of its own')
    process.exit(1)
  })

const wanted = process.env['WATCHKEEPER_LISTEN'] ?? ''
const listen = wanted === '' ? null : parseListen(wanted)
if (wanted !== '' && listen === null) log.error(`WATCHKEEPER_LISTEN: '${wanted}' is not an address`)
const child = runChild({
  port: shellPort(port),
  clock,
  log,
  surroundings: { platform: process.platform, home: homedir(), env: process.env },
  ...(listen !== null && { listen }),
  leave: (code) => process.exit(code),
})

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
  process.on(signal, () => void child.stop(signal))

// Who loses the shell would hold the database without anybody to ask it.
const shell = process.ppid
const lookForShell = (): void => {
  if (process.ppid !== shell) void child.stop('quit')
  else clock.after(2_000, lookForShell)
}
if (process.platform !== 'win32') clock.after(2_000, lookForShell)

/** A desktop shows nobody what a program writes to standard error. */
function logTarget(file: string | undefined): LogTarget {
  if (!file) return stderrTarget
  try {
    return fileTarget(file, { mostBytes: mostLogBytes, backups: 1 })
  } catch {
    return stderrTarget
  }
}
