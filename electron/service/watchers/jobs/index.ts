import { existsSync, readdirSync, readFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { JobProposal } from '../../../shared/api/watchers.ts'
import type { Clock } from '../../clock.ts'
import { compileSchedule } from '../../schedules/schedule.ts'
import { ScheduleError } from '../../schedules/schedule-error.ts'
import { createBus } from '../../system/bus.ts'
import type { RunProgram } from '../../system/programs.ts'
import { slugOf } from '../names.ts'
import type { WatcherRecord } from '../schema.ts'
import { jobsOfCrontab } from './crontab.ts'
import { graceOf, wrappedLine, type FoundJob } from './job.ts'
import { jobOfPlist } from './launchd.ts'
import { jobsOfTasks } from './tasks.ts'
import { jobsOfTimers } from './timers.ts'

/** Proposes watchers for the jobs that this machine's own schedulers have. Nothing is changed. */

/** What schedulers are read with. */
export interface JobParts {
  readonly clock: Clock
  readonly platform: NodeJS.Platform
  readonly run: RunProgram
  /** Root of the system's files; tests give that of another machine. */
  readonly root: string
  readonly home: string
  readonly systemBus: string | null
  readonly userBus: string | null
  readonly zone: string
}

const mostProposals = 300

/** Returns a proposal for each job that is found; `known` are the watchers that there are. */
export async function proposeJobs(parts: JobParts, known: readonly WatcherRecord[]): Promise<JobProposal[]> {
  const lists = await Promise.all(
    finders(parts).map((find) =>
      // A scheduler that cannot be read proposes nothing, and keeps no other from it.
      find().catch((): FoundJob[] => []),
    ),
  )
  const slugs = new Set(known.map(({ slug }) => slug))
  const sources = new Set(known.flatMap(({ source }) => (source === null ? [] : [JSON.stringify(source)])))
  const nowMs = Math.round(parts.clock.glance().wallMs)
  const taken = new Set<string>()
  return lists
    .flat()
    .slice(0, mostProposals)
    .flatMap((job) => {
      const betweenMs = timeBetween(job, nowMs)
      if (betweenMs === undefined) return []
      const slug = freeSlug(slugOf(job.name), taken)
      taken.add(slug)
      const { name, origin, command, schedule, source, line } = job
      return [
        {
          name,
          slug,
          origin,
          command: command.slice(0, 2_000),
          schedule,
          graceMs: graceOf(betweenMs, job.slackMs),
          source,
          wrapped: line === null ? null : wrappedLine(line, slug),
          known: source === null ? slugs.has(slug) : sources.has(JSON.stringify(source)),
        },
      ]
    })
}

/** Returns the time between two runs (ms), null when there is only one to come; undefined for a schedule that is none. */
function timeBetween({ schedule }: FoundJob, nowMs: number): number | null | undefined {
  try {
    const compiled = compileSchedule(schedule)
    const first = compiled.nextDue(nowMs)
    const second = first === null ? null : compiled.nextDue(first)
    return first === null || second === null ? null : second - first
  } catch (error) {
    if (error instanceof ScheduleError) return undefined
    throw error
  }
}

function freeSlug(wanted: string, taken: ReadonlySet<string>): string {
  const base = /^-*$/.test(wanted) ? 'job' : wanted
  for (let count = 1; ; count += 1) {
    const slug = count === 1 ? base : `${base}-${count}`
    if (!taken.has(slug)) return slug
  }
}

function finders(parts: JobParts): (() => Promise<FoundJob[]>)[] {
  const { platform, zone, run } = parts
  const timers = (socket: string | null, isUser: boolean) => async (): Promise<FoundJob[]> => {
    if (socket === null || !existsSync(socket)) return []
    const bus = createBus(socket, parts.clock)
    try {
      return await jobsOfTimers(bus, isUser, zone)
    } finally {
      bus.close()
    }
  }
  switch (platform) {
    case 'win32':
      return [() => jobsOfTasks(run, zone)]
    case 'darwin':
      return [() => Promise.resolve(agents(parts)), () => ownCrontab(parts)]
    default:
      return [
        timers(parts.systemBus, false),
        timers(parts.userBus, true),
        () => Promise.resolve(systemCrontabs(parts)),
        () => ownCrontab(parts),
      ]
  }
}

async function ownCrontab({ run, zone }: JobParts): Promise<FoundJob[]> {
  const answer = await run('crontab', ['-l'])
  if (answer?.code !== 0) return []
  const user = os.userInfo().username
  return jobsOfCrontab(answer.output, { origin: `crontab of ${user}`, namesUsers: false, zone })
}

function systemCrontabs({ root, zone }: JobParts): FoundJob[] {
  const folder = path.join(root, 'etc/cron.d')
  const files = [
    path.join(root, 'etc/crontab'),
    ...namesIn(folder)
      // cron passes over names with dots, such as what package managers leave.
      .filter((name) => /^[\w-]+$/.test(name))
      .map((name) => path.join(folder, name)),
  ]
  return files.flatMap((file) => {
    const text = textOf(file)
    const origin = `/${path.relative(root, file)}`
    return text === null ? [] : jobsOfCrontab(text, { origin, namesUsers: true, zone })
  })
}

function agents({ root, home, zone }: JobParts): FoundJob[] {
  const folders = [
    { folder: path.join(home, 'Library/LaunchAgents'), isUser: true },
    { folder: path.join(root, 'Library/LaunchAgents'), isUser: true },
    { folder: path.join(root, 'Library/LaunchDaemons'), isUser: false },
  ]
  return folders.flatMap(({ folder, isUser }) =>
    namesIn(folder)
      .filter((name) => name.endsWith('.plist'))
      .flatMap((name) => {
        const file = path.join(folder, name)
        return jobOfPlist(textOf(file) ?? '', `launchd ${name}`, isUser, zone) ?? []
      }),
  )
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort()
  } catch {
    return []
  }
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}
