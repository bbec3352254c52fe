import path from 'node:path'
import { onTestFinished } from 'vitest'
import type { ChannelKind } from '../../electron/shared/alert-words.ts'
import type { Notice } from '../../electron/shared/api/alerts.ts'
import { createChannel } from '../../electron/service/alerts/channel-settings.ts'
import type { DesktopNotice, DesktopNotifier } from '../../electron/service/alerts/channels/desktop.ts'
import { createAlerts, type Alerts } from '../../electron/service/alerts/index.ts'
import { readNotices } from '../../electron/service/alerts/notices.ts'
import { plainFacts, type NewTransition, type RoomContext } from '../../electron/service/context.ts'
import { createLog } from '../../electron/service/log.ts'
import { openStore } from '../../electron/service/store/open.ts'
import type { FakeClock } from './fake-clock.ts'
import { directReader, quietContext } from './recorder-bench.ts'
import { temporaryFolder } from './temporary.ts'
import { turns } from './watcher-bench.ts'

/** The alert pipeline on a real database, with a clock that moves when it is told to. */
export interface AlertBench {
  readonly database: string
  readonly context: RoomContext
  readonly alerts: Alerts
  /** What the desktop was shown. */
  readonly shown: DesktopNotice[]
  channel(
    kind: ChannelKind,
    settings: Record<string, unknown>,
    given?: { quiet?: { from: string; to: string; zone: string } },
  ): number
  change(item: string, kind: NewTransition['kind'], given?: Partial<NewTransition['facts']>): void
  /** Lets time pass until everything that is due is done. */
  pass(ms: number): Promise<void>
  /** Newest first. */
  notices(): Notice[]
  /** Outcomes as `state title`, oldest first. */
  outcomes(): string[]
  kill(): void
}

export function alertBench(
  clock: FakeClock,
  { database, desktopProblem = null }: { database?: string; desktopProblem?: string | null } = {},
): AlertBench {
  const file = database ?? path.join(temporaryFolder(), 'watchkeeper.db')
  const { db } = openStore(file, clock.read().wallMs)
  const shown: DesktopNotice[] = []
  const desktop: DesktopNotifier = {
    problem: () => desktopProblem,
    show(notice) {
      shown.push(notice)
      return Promise.resolve({ sent: true })
    },
  }
  const context: RoomContext = {
    ...quietContext(db, clock),
    version: 'test',
    databaseFolder: path.dirname(file),
    db,
    reader: directReader(db),
    clock,
    log: createLog('fatal', { write: () => undefined, close: () => undefined }, () => clock.read().wallMs),
    changed: () => undefined,
  }
  db.prepare("INSERT OR IGNORE INTO setting (name, value) VALUES ('first-channel', 'made')").run()
  const alerts = createAlerts(context, desktop)
  alerts.start('http://127.0.0.1:8737')
  const kill = (): void => {
    alerts.stop()
    if (db.open) db.close()
  }
  onTestFinished(kill)
  const notices = (): Notice[] => readNotices(db, { limit: 500 }).notices
  return {
    database: file,
    context,
    alerts,
    shown,
    notices,
    kill,
    channel: (kind, settings, given = {}) =>
      createChannel(db, { kind, name: kind, settings, ...given }, clock.read().wallMs),
    change(item, kind, given = {}) {
      const is = kind === 'problem' || kind === 'update'
      alerts.record({
        atMs: clock.read().wallMs,
        room: 'watchers',
        item,
        kind,
        from: is ? 'ok' : 'late',
        to: is ? 'late' : kind === 'recovery' ? 'ok' : 'unobserved',
        facts: {
          ...plainFacts(item, `${item}: ${kind}`),
          slug: item,
          code: `uuid-of-${item}`,
          path: `/watchers/${item}`,
          ...given,
        },
      })
    },
    async pass(ms) {
      for (let passed = 0; passed < ms; passed += 500) {
        clock.advance(Math.min(500, ms - passed))
        await turns(3)
        await alerts.settled()
        await turns(3)
      }
    },
    outcomes: () =>
      notices()
        .reverse()
        .flatMap(({ title, kind, deliveries }) =>
          deliveries.map(
            ({ state }) =>
              `${state} ${kind === 'storm' || kind === 'reminder' || kind === 'digest' ? `${kind}: ` : ''}${title}`,
          ),
        ),
  }
}
