import { Command } from 'commander'
import type { RunningFlight, StateAt } from '../../shared/api/machine.ts'
import { wordDuration } from '../../shared/time-text.ts'
import { systemClock } from '../../service/clock.ts'
import { readKey } from '../../service/http/access.ts'
import { machineAt } from '../../service/recorder/queries.ts'
import { sideFiles } from '../../service/store/location.ts'
import { isLocked, readServiceAddress, type ServiceAddress } from '../../service/store/lock.ts'
import { databaseOf, exitCodes, say } from '../io.ts'
import { databaseOption } from '../options.ts'
import { openForReport, presentOf } from '../reading.ts'

interface StatusOptions {
  readonly database?: string
  readonly json: boolean
}

/** What `status --json` prints. */
interface Status {
  readonly running: boolean
  readonly database: string
  readonly service: ServiceAddress | null
  readonly machine: RunningFlight | null
  readonly problem: string | null
  readonly lastKnown: StateAt | null
}

/** `watchkeeper status`: whether a service runs, and what it records. */
export function statusCommand(finish: (exitCode: number) => void): Command {
  return new Command('status')
    .description('Tell whether the service runs and what it records now.')
    .addOption(databaseOption())
    .option('--json', 'print JSON', false)
    .addHelpText('after', '\nExit codes: 0 recording, 1 running but not able to record, 3 not running.')
    .action(async (options: StatusOptions) => {
      const status = await readStatus(databaseOf(options.database))
      if (options.json) say(JSON.stringify(status, null, 2))
      else for (const line of describe(status)) say(line)
      finish(!status.running ? exitCodes.notThere : status.problem === null ? exitCodes.ok : exitCodes.failed)
    })
}

async function readStatus(database: string): Promise<Status> {
  const base = { database, service: null, machine: null, problem: null, lastKnown: null }
  if (!isLocked(database)) return { ...base, running: false, lastKnown: readLastKnown(database) }
  const service = readServiceAddress(database)
  if (service === null) return { ...base, running: true, problem: 'the service is just starting or stopping' }
  const asked = await askMachine(service, readKey(sideFiles(database).key))
  if (typeof asked === 'string') return { ...base, running: true, service, problem: asked }
  const failure = asked.stampFailure
  const problem = failure ? `stamps have failed since ${failure.since}: ${failure.reason}` : null
  return { ...base, running: true, service, machine: asked, problem }
}

async function askMachine({ origin }: ServiceAddress, key: string | null): Promise<RunningFlight | string> {
  try {
    const headers: Record<string, string> = key === null ? {} : { authorization: `Bearer ${key}` }
    const response = await fetch(`${origin}/api/v1/machine/now`, {
      headers,
      signal: AbortSignal.timeout(5_000),
    })
    if (response.status === 401)
      return 'the access key cannot be read by this user, so the service does not answer'
    if (!response.ok) return `the service answers ${response.status}`
    return (await response.json()) as RunningFlight
  } catch (error) {
    return `the service at ${origin} does not answer: ${error instanceof Error ? error.message : String(error)}`
  }
}

function readLastKnown(database: string): StateAt | null {
  try {
    const db = openForReport(database)
    try {
      const now = presentOf(systemClock())
      return machineAt(db, { now, atMs: now.wallMs - 1 })
    } finally {
      db.close()
    }
  } catch {
    return null
  }
}

function describe(status: Status): string[] {
  const { running, database, service, machine, problem, lastKnown } = status
  if (!running) {
    const last = lastKnown ? [`The record says now: ${lastKnown.sentence}`] : []
    return [`No service runs on ${database}. Start it with \`watchkeeper serve\`.`, ...last]
  }
  const lines = [
    `The service runs${service ? ` at ${service.origin} (process ${service.pid})` : ''}, on ${database}.`,
  ]
  if (machine) {
    lines.push(
      `Flight #${machine.id} has lasted ${wordDuration(machine.durationMs)}, since ${machine.begin}.`,
    )
    lines.push(
      `Last stamp ${machine.lastStamp}, every ${machine.intervalMs / 1_000} s; clock ${machine.clock}.`,
    )
  }
  if (problem !== null) lines.push(`Problem: ${problem}.`)
  return lines
}
