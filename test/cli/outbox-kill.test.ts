import path from 'node:path'
import { describe, expect, it } from 'vitest'
import type { NoticePage } from '../../electron/shared/api/alerts.ts'
import { startServe, type ServeProcess } from '../support/cli.ts'
import { httpReceiver } from '../support/receivers.ts'
import { temporaryFolder } from '../support/temporary.ts'

const patient = { timeout: 15_000 }
const api = async <T>(
  { origin, key }: ServeProcess,
  method: string,
  route: string,
  body?: unknown,
): Promise<T> => {
  const response = await fetch(`${origin}/api/v1/${route}`, {
    method,
    headers: { 'x-api-key': key ?? '', ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return (await response.json()) as T
}
const outcomes = async (serve: ServeProcess): Promise<string[]> => {
  const { notices } = await api<NoticePage>(serve, 'GET', 'notices?room=watchers')
  return notices.flatMap(({ deliveries }) => deliveries.map(({ state }) => state))
}

describe('kill -9 while a notice is being sent', () => {
  it('has it sent again, and written down as sent once', async () => {
    const database = path.join(temporaryFolder(), 'w.db')
    const receiver = await httpReceiver()
    receiver.answers.push({ status: 200, delayed: true })
    const first = await startServe(['-d', database])
    await api(first, 'POST', 'channels', { kind: 'slack', name: 'Chat', settings: { url: receiver.url } })
    await api(first, 'POST', 'watchers', { name: 'job', schedule: { kind: 'period', periodMs: 3_600_000 } })
    await api(first, 'POST', 'watchers/job/triggers', { kind: 'fail' })
    await expect.poll(() => receiver.received.length, patient).toBe(1)
    await first.end('SIGKILL')
    const second = await startServe(['-d', database])
    await expect.poll(() => outcomes(second), patient).toEqual(['sent'])
    const aboutJob = (): number => receiver.received.filter(({ body }) => body.includes('job')).length
    expect(aboutJob()).toBe(2)
    await second.end('SIGTERM')
    const third = await startServe(['-d', database])
    await third.line(/Opened flight record/)
    expect(await outcomes(third)).toEqual(['sent'])
    expect(aboutJob()).toBe(2)
  })

  it('between the change and its notice loses neither', async () => {
    const database = path.join(temporaryFolder(), 'w.db')
    const receiver = await httpReceiver()
    const first = await startServe(['-d', database])
    await api(first, 'POST', 'channels', { kind: 'slack', name: 'Chat', settings: { url: receiver.url } })
    await api(first, 'POST', 'watchers', { name: 'job', schedule: { kind: 'period', periodMs: 3_600_000 } })
    await api(first, 'POST', 'watchers/job/triggers', { kind: 'fail' })
    // Changes are gathered for a second; the answer comes at once.
    await first.end('SIGKILL')
    const second = await startServe(['-d', database])
    await expect.poll(() => outcomes(second), patient).toEqual(['sent'])
    expect(receiver.received.filter(({ body }) => body.includes('job'))).toHaveLength(1)
  })
})
