import { existsSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { findDamage } from '../../electron/service/store/repair.ts'
import { startServe, runCli, command } from '../support/cli.ts'
import { seededRandom } from '../support/make-history.ts'
import { openRaw } from '../support/raw-database.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

const kills = 60
const interval = 0.02

interface Row {
  readonly id: number
  readonly duration: number
  readonly last_ts: number
}

/** Starts a service and kills it at a random moment; returns the last stamp that it said was written. */
async function killAtRandom(database: string, afterMs: number): Promise<{ id: number; ts: number } | null> {
  const child = spawn(process.execPath, [
    command,
    'serve',
    '-d',
    database,
    '-i',
    String(interval),
    '-v',
    'debug',
    '--listen',
    '127.0.0.1:0',
  ])
  let last: { id: number; ts: number } | null = null
  createInterface({ input: child.stderr }).on('line', (line) => {
    const match = /(?:Opened|Updated) flight record #(\d+):.* ts=([\d.]+)/.exec(line)
    if (match) last = { id: Number(match[1]), ts: Number(match[2]) }
  })
  const closed = new Promise((resolve) => child.on('close', resolve))
  // The moment of the kill is what is tested; nothing is waited for here.
  await delay(afterMs)
  child.kill('SIGKILL')
  await closed
  return last
}

it(
  `survives kill -9 at ${kills} random moments: no damage, no lost stamp, at most one interval`,
  { timeout: 240_000 },
  async () => {
    const random = seededRandom(20261121)
    const database = path.join(temporaryFolder(), 'w.db')
    const begun = new Date().toISOString()
    let flights = 0
    for (let round = 0; round < kills; round += 1) {
      const said = await killAtRandom(database, 50 + Math.floor(random() * 600))
      if (!existsSync(database)) continue
      expect(findDamage(database)).toBeNull()
      const raw = openRaw(database)
      const rows =
        raw.pragma('user_version', { simple: true }) === 0
          ? []
          : (raw.prepare('SELECT id, duration, last_ts FROM flight ORDER BY id').all() as Row[])
      raw.close()
      expect(rows.length).toBeGreaterThanOrEqual(flights)
      expect(rows.length).toBeLessThanOrEqual(flights + 1)
      flights = rows.length
      if (said === null) continue
      // What was said to be written is there; what was written but not yet said is at most a few stamps more.
      const row = rows.find(({ id }) => id === said.id)
      expect(row?.last_ts).toBeGreaterThanOrEqual(said.ts - 0.001)
    }
    expect(flights).toBeGreaterThan(kills / 4)
    const serve = await startServe(['-d', database])
    expect(serve.errors.filter((line) => line.includes('damaged'))).toEqual([])
    await serve.end('SIGTERM')
    // What the machine's own logs tell of the time before the test is not its matter.
    const { stdout } = await runCli(['report', '--json', '--since', begun, '-d', database])
    const history = JSON.parse(stdout) as {
      gaps: { kind: string }[]
      figures: { ms: Record<string, number>; windowMs: number }
    }
    // The machine never stopped, so no kill of the recorder may count as downtime.
    expect(new Set(history.gaps.map(({ kind }) => kind))).toEqual(new Set(['recorder-off']))
    expect(history.figures.ms['down']).toBe(0)
  },
)

it('loses at most one interval to kill -9', async () => {
  const database = path.join(temporaryFolder(), 'w.db')
  const serve = await startServe(['-d', database, '-i', '0.5', '-v', 'debug'])
  for (let stamps = 0; stamps < 4; stamps += 1) await serve.line(/Updated flight record/)
  await serve.end('SIGKILL')
  const raw = openRaw(database)
  const { duration } = raw.prepare('SELECT duration FROM flight').get() as Row
  raw.close()
  // Timers of whole milliseconds may fire a little early.
  expect(duration).toBeGreaterThan(1.99)
})
