import type { ReportReason } from '../../shared/health-words.ts'
import type { RoomContext } from '../context.ts'
import type { DaemonReport } from './report.ts'
import { insertReport, keepPackages, thinReports } from './store.ts'
import type { PackageList } from './workers/linux/packages.ts'

/** Keeps reports: regular ones, and those of moments that matter. */
export interface Keeper {
  /** Keeps a report when a regular one is due. */
  offer(report: DaemonReport, atMs: number): Promise<void>
  /** Keeps a report now; returns its id. @throws the store's error */
  keep(report: DaemonReport, why: ReportReason, atMs: number): Promise<number>
}

/** Regular reports are this far (ms) apart. */
const everyMs = 600_000
/** A report of an alert is not kept again so soon (ms): many alerts of a moment have one report. */
const alertEveryMs = 5_000
const thinEveryMs = 6 * 3_600_000

export function createKeeper({ db, clock, commits, log }: RoomContext, packages: PackageList): Keeper {
  let offeredMs = Number.NEGATIVE_INFINITY
  let thinnedMs = Number.NEGATIVE_INFINITY
  let alert: { readonly atMs: number; readonly why: ReportReason; readonly id: Promise<number> } | null = null

  const keep = async (report: DaemonReport, why: ReportReason, atMs: number): Promise<number> => {
    const installed = await packages.read().catch(() => null)
    return commits.write(() =>
      insertReport(db, report, why, installed === null ? null : keepPackages(db, installed, atMs), atMs),
    )
  }
  return {
    async offer(report, atMs) {
      const nowMs = clock.glance().monotonicMs
      if (nowMs - offeredMs < everyMs) return
      const isFirst = offeredMs === Number.NEGATIVE_INFINITY
      offeredMs = nowMs
      try {
        await keep(report, isFirst ? 'start' : 'regular', atMs)
        if (nowMs - thinnedMs < thinEveryMs) return
        thinnedMs = nowMs
        await commits.write(() => thinReports(db, atMs))
      } catch (error) {
        log.warn({ err: error }, 'Keeping a health report failed')
      }
    },
    keep(report, why, atMs) {
      const nowMs = clock.glance().monotonicMs
      if (alert?.why === why && (why === 'alert' || why === 'recovery') && nowMs - alert.atMs < alertEveryMs)
        return alert.id
      const id = keep(report, why, atMs)
      alert = { atMs: nowMs, why, id }
      return id
    },
  }
}
