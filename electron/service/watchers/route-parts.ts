import { HttpProblem } from '../problem.ts'
import { WatcherError } from './errors.ts'
import type { Watchers } from './index.ts'
import { ScheduleError } from '../schedules/schedule-error.ts'
import type { WatcherRecord } from './schema.ts'
import { printable } from '../../shared/text.ts'

export const tags = ['watchers']

/** Finds a watcher by id, uuid, slug or name. @throws HttpProblem 404 */
export function findIn(watchers: Watchers, id: string): WatcherRecord {
  const watcher = watchers.resolve(id)
  if (!watcher) throw new HttpProblem(404, `there is no watcher '${printable(id, 60)}'`)
  return watcher
}

/** Turns what a watcher refuses into an answer. */
export async function asked<T>(work: () => Promise<T> | T): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof ScheduleError) throw new HttpProblem(400, error.message)
    if (!(error instanceof WatcherError)) throw error
    switch (error.kind) {
      case 'not-found':
        throw new HttpProblem(404, error.message)
      case 'slug-taken':
      case 'changed-meanwhile':
      case 'already-paused':
      case 'already-unpaused':
        throw new HttpProblem(409, error.message)
      case 'bad-slug':
      case 'bad-schedule':
      case 'bad-setting':
      case 'no-change':
        throw new HttpProblem(400, error.message)
      default:
        throw new HttpProblem(400, error.kind satisfies never)
    }
  }
}
