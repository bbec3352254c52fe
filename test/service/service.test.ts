import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { readServiceAddress } from '../../electron/service/store/lock.ts'
import { listBackups } from '../../electron/service/store/repair.ts'
import { openRaw } from '../support/raw-database.ts'
import { startTestService } from '../support/service.ts'
import { temporaryFolder } from '../support/temporary.ts'

describe('a service', () => {
  it('has written its first stamp and its address when it is started, and a backup when it has settled', async () => {
    const { service } = await startTestService()
    const raw = openRaw(service.database)
    expect(raw.prepare('SELECT count(*) FROM flight').pluck().get()).toBe(1)
    raw.close()
    expect(readServiceAddress(service.database)).toEqual({
      pid: process.pid,
      origin: service.origin,
      needsKey: true,
    })
    await service.settled
    expect(listBackups(service.database, Date.now())).toHaveLength(1)
  })

  it('refuses a second one on the same file with the address of the first', async () => {
    const { service } = await startTestService()
    await expect(startTestService({ database: service.database })).rejects.toThrow(
      `it is at ${service.origin}`,
    )
    const raw = openRaw(service.database)
    expect(raw.prepare('SELECT count(*) FROM flight').pluck().get()).toBe(1)
    raw.close()
  })

  it('leaves no flight behind when its address is taken', async () => {
    const blocker = net.createServer()
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve))
    const { port } = blocker.address() as net.AddressInfo
    const database = path.join(temporaryFolder(), 'w.db')
    await expect(startTestService({ database, listen: { host: '127.0.0.1', port } })).rejects.toThrow(
      'another program already listens there',
    )
    expect(existsSync(database)).toBe(false)
    blocker.close()
    const { service } = await startTestService({ database })
    expect(service.recorder.running()?.id).toBe(1)
  })

  it('ends in order: last stamp, streams ended, lock given back; a second call does no harm', async () => {
    const { service, fetch } = await startTestService()
    const stream = await fetch('/api/v1/events')
    await Promise.all([service.stop('SIGTERM'), service.stop('SIGTERM')])
    await stream.text()
    const raw = openRaw(service.database)
    expect(raw.prepare('SELECT ended FROM flight_detail').pluck().get()).toBe('SIGTERM')
    raw.close()
    expect(readServiceAddress(service.database)).toBeNull()
  })

  it('tells its user, once, that a damaged database was replaced', async () => {
    const first = await startTestService()
    const { database } = first.service
    await first.service.settled
    await first.service.stop('SIGTERM')
    writeFileSync(database, 'garbage')
    const { fetch, lines } = await startTestService({ database })
    expect(lines.join('')).toContain('The database was damaged')
    const { events } = (await (await fetch('/api/v1/service')).json()) as {
      events: { kind: string; text: string }[]
    }
    expect(events).toMatchObject([
      { kind: 'database-restored', text: expect.stringContaining('took its place') as string },
    ])
  })

  it('goes on when backups cannot be written, and says so', async () => {
    const database = path.join(temporaryFolder(), 'w.db')
    mkdirSync(path.dirname(database), { recursive: true })
    writeFileSync(`${database}.backups`, 'a file in the way')
    const { service, lines, fetch } = await startTestService({ database })
    await service.settled
    expect(lines.join('')).toContain('The daily backup failed')
    expect((await fetch('/healthz', { key: null })).status).toBe(200)
    rmSync(`${database}.backups`)
  })
})
