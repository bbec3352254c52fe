import { BusError } from '../../system/bus-message.ts'
import type { Bus } from '../../system/bus.ts'
import { systemd, unitPath } from '../../system/systemd.ts'
import type { FoundJob } from './job.ts'

/** Timers of systemd, by its bus. */

const mostTimers = 200

/** Returns the jobs of active timers; those of systemd's own housekeeping are left out. */
export async function jobsOfTimers(bus: Bus, isUser: boolean, zone: string): Promise<FoundJob[]> {
  const [units] = await bus.call({
    ...systemd,
    interface: 'org.freedesktop.systemd1.Manager',
    member: 'ListUnits',
    args: [],
  })
  const names = (units as readonly (readonly unknown[])[]).flatMap(([name, , , active]) =>
    typeof name === 'string' && name.endsWith('.timer') && active === 'active' ? [name] : [],
  )
  const jobs = await Promise.all(
    names.slice(0, mostTimers).map(async (name) => {
      try {
        const [list] = await bus.call({
          destination: systemd.destination,
          path: unitPath(name),
          interface: 'org.freedesktop.DBus.Properties',
          member: 'GetAll',
          args: ['org.freedesktop.systemd1.Timer'],
        })
        return jobOfTimer(name, new Map(list as readonly (readonly [string, unknown])[]), isUser, zone)
      } catch (error) {
        if (error instanceof BusError) return null
        throw error
      }
    }),
  )
  return jobs.flatMap((job) => job ?? [])
}

/**
 * Returns the job of a timer from its properties: calendar events, or times since it last ran.
 *
 * https://www.freedesktop.org/software/systemd/man/latest/org.freedesktop.systemd1.html
 */
export function jobOfTimer(
  name: string,
  properties: ReadonlyMap<string, unknown>,
  isUser: boolean,
  zone: string,
): FoundJob | null {
  const unit = properties.get('Unit')
  if (typeof unit !== 'string' || !unit.endsWith('.service') || unit.startsWith('systemd-')) return null
  const micros = (key: string): number => {
    const value = properties.get(key)
    return typeof value === 'number' && Number.isFinite(value) ? value : 0
  }
  const list = (key: string): readonly (readonly unknown[])[] => {
    const value = properties.get(key)
    return Array.isArray(value) ? (value as readonly (readonly unknown[])[]) : []
  }
  const expression = list('TimersCalendar').map(([, text]) => text)[0]
  const repeat = list('TimersMonotonic').find(
    ([base]) => base === 'OnUnitActiveUSec' || base === 'OnUnitInactiveUSec',
  )?.[1]
  const schedule =
    typeof expression === 'string'
      ? ({ kind: 'calendar', expression, zone } as const)
      : typeof repeat === 'number' && repeat >= 1_000_000
        ? ({ kind: 'period', periodMs: Math.round(repeat / 1_000) } as const)
        : null
  if (schedule === null) return null
  return {
    name: unit.replace(/\.service$/, ''),
    origin: isUser ? `your timer ${name}` : `systemd timer ${name}`,
    command: unit,
    schedule,
    slackMs: Math.round((micros('RandomizedDelayUSec') + micros('AccuracyUSec')) / 1_000),
    source: { kind: 'unit', unit, ...(isUser && { user: true }) },
    line: null,
  }
}
