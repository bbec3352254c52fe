import path from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Notice, NoticePage } from '../../electron/shared/api/alerts.ts'
import { startServe, type ServeProcess } from '../support/cli.ts'
import { openRaw } from '../support/raw-database.ts'
import { temporaryFolder } from '../support/temporary.ts'

const notices = async ({ origin, key }: ServeProcess): Promise<Notice[]> => {
  const response = await fetch(`${origin}/api/v1/notices?room=recorder`, {
    headers: { 'x-api-key': key ?? '' },
  })
  return ((await response.json()) as NoticePage).notices
}

/** The titles of the notices once the look into the past is done and what it found has been gathered. */
const told = async (serve: ServeProcess): Promise<string[]> => {
  await serve.line(/Looked back/)
  const count = async (): Promise<number> => {
    const response = await fetch(`${serve.origin}/api/v1/incidents`, {
      headers: { 'x-api-key': serve.key ?? '' },
    })
    return response.status
  }
  await expect.poll(count).toBe(200)
  return (await notices(serve)).map(({ title }) => title)
}

/** Changes are gathered for a second before they are told. */
const patient = { timeout: 10_000 }

describe('after an unclean end', () => {
  it('of the service alone, one notice says so; none after a clean one, and none again later', async () => {
    const database = path.join(temporaryFolder(), 'w.db')
    const start = (): Promise<ServeProcess> => startServe(['-d', database, '-i', '1', '-v', 'debug'])
    const first = await start()
    expect(await told(first)).toEqual([])
    await first.end('SIGTERM')
    const second = await start()
    expect(await told(second)).toEqual([])
    await second.end('SIGKILL')
    const third = await start()
    await third.line(/Looked back/)
    await expect
      .poll(async () => (await notices(third)).map(({ title }) => title), patient)
      .toEqual(['Watchkeeper was cut off'])
    await third.end('SIGTERM')
    const fourth = await start()
    expect(await told(fourth)).toHaveLength(1)
  })

  it('of the machine, one notice says that it crashed, and why', async () => {
    const database = path.join(temporaryFolder(), 'w.db')
    const first = await startServe(['-d', database])
    await first.end('SIGKILL')
    const raw = openRaw(database)
    // The same flight an hour ago in a boot that is over, with what the system's log says of its end.
    raw.exec(`UPDATE flight SET last_ts = last_ts - 3600;
      UPDATE flight_detail SET boot_id = '00000000-0000-4000-8000-000000000001', anchor_wall_ms = anchor_wall_ms - 3600000;
      INSERT INTO stop_evidence (flight_id, source, at_ms, fact, text) VALUES (1, 'journal', NULL, 'panic', 'kernel: Kernel panic - not syncing')`)
    raw.close()
    const second = await startServe(['-d', database, '-v', 'debug'])
    await second.line(/Looked back/)
    await expect.poll(async () => (await notices(second)).length, patient).toBe(1)
    const [notice] = await notices(second)
    expect(notice?.title).toBe('This machine crashed or lost power')
    expect(notice?.text).toContain('operating system crash')
    expect(notice?.path).toContain('/machine')
  })
})
