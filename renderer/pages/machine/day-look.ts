import type { CalendarDay } from '../../../electron/shared/api/machine.ts'
import { presences, presenceWords, type Presence } from '../../../electron/shared/vocabulary.ts'
import { localDay, percent } from '../../format.ts'

/** How a day is drawn: by what it was most, with a sign of its own for a crash. */
export interface DayLook {
  readonly presence: Presence
  readonly hasCrash: boolean
  /** 0.35 … 1: how much of the day it was so. */
  readonly strength: number
  readonly label: string
}

export function dayLook({ day, ms, crashes }: CalendarDay): DayLook {
  const total = presences.reduce((sum, presence) => sum + ms[presence], 0)
  const share = (presence: Presence): number => (total > 0 ? ms[presence] / total : 0)
  const most = presences.reduce(
    (best, presence) => (ms[presence] > ms[best] ? presence : best),
    'up' as Presence,
  )
  const parts = presences
    .filter((presence) => ms[presence] > 0)
    .map((presence) => `${presenceWords[presence]} ${percent(share(presence) * 100, 1)}`)
  const crashWords = crashes === 0 ? [] : [crashes === 1 ? '1 crash' : `${crashes} crashes`]
  return {
    presence: total === 0 ? 'unknown' : most,
    hasCrash: crashes > 0,
    strength: 0.35 + 0.65 * share(most),
    label: `${localDay(day)}: ${[...parts, ...crashWords].join(', ') || 'nothing known'}`,
  }
}
