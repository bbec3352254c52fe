// A peer for the bench: the same triggers, each in a transaction of its own, behind a bare web server. Prints its port and a path for each watcher.
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { systemClock } from '../../../electron/service/clock.ts'
import { createLog } from '../../../electron/service/log.ts'
import { createObservation } from '../../../electron/service/recorder/observation.ts'
import type { GroupCommit } from '../../../electron/service/store/group-commit.ts'
import { openStore } from '../../../electron/service/store/open.ts'
import { createMeasurements } from '../../../electron/service/store/series/measurements.ts'
import { createWatchers } from '../../../electron/service/watchers/index.ts'
import { noConnection } from '../../support/no-connection.ts'

const [folder = '', count = '1'] = process.argv.slice(2)
const clock = systemClock()
const { db } = openStore(path.join(folder, 'one-commit.db'), clock.read().wallMs)
const finishers: (() => void)[] = []
const state = { batch: 0 }
const commits: GroupCommit = {
  get batch() {
    return state.batch
  },
  waiting: 0,
  flush: () => undefined,
  beforeCommit: (work) => finishers.push(work),
  afterRollback: () => undefined,
  write: (work) =>
    Promise.resolve(
      db
        .transaction(() => {
          state.batch += 1
          const result = work()
          for (const finish of finishers) finish()
          return result
        })
        .immediate(),
    ),
}
const watchers = createWatchers({
  version: 'bench',
  databaseFolder: folder,
  db,
  reader: { ask: () => Promise.reject(new Error('nothing is asked')) },
  clock,
  log: createLog('fatal', { write: () => undefined, close: () => undefined }, () => clock.glance().wallMs),
  commits,
  series: createMeasurements(db, commits, clock, () => undefined),
  observation: createObservation(db, clock, () => undefined),
  connection: noConnection,
  silences: { maintenance: () => [] },
  transitions: { record: () => undefined, refresh: () => undefined },
  changed: () => undefined,
})
const ids = new Map<string, number>()
for (let index = 0; index < Number(count); index += 1) {
  const { watcher } = await watchers.create({
    name: `w${index}`,
    schedule: { kind: 'period', periodMs: 3_600_000 },
  })
  ids.set(`/${watcher.code}`, watcher.id)
}
const server = http.createServer((request, response) => {
  const signal = {
    kind: 'success' as const,
    atMs: Date.now(),
    exitStatus: null,
    run: '',
    comment: '',
    origin: '',
    agent: '',
    body: null,
  }
  void watchers.signal(ids.get(request.url ?? '') ?? 0, signal).then(() => response.end('OK'))
})
server.listen(0, '127.0.0.1', () =>
  console.log(JSON.stringify({ port: (server.address() as AddressInfo).port, paths: [...ids.keys()] })),
)
