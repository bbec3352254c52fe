import { describe, expect, it } from 'vitest'
import type { ConfigAnswer } from '../../electron/shared/api/config.ts'
import type { Channel } from '../../electron/shared/api/alerts.ts'
import type { Watcher, WatcherList } from '../../electron/shared/api/watchers.ts'
import { startTestService, type TestService } from '../support/service.ts'

const file = `
anchors: [192.0.2.1]
channels:
  - name: Phone
    kind: ntfy
    settings: { url: "https://ntfy.example", topic: alerts, token: secret-token }
  - name: Mail
    kind: email
    enabled: false
    settings: { host: mail.example, port: 25, security: none, from: a@example.org, to: [b@example.org], password: pw }
hosts:
  - domain: 127.0.0.1
    name: Here
    paused: true
    channels: [Phone]
  - domain: 127.0.0.2
    paused: true
    parent: 127.0.0.1
watchers:
  - { name: Nightly backup, cron: "0 3 * * *", zone: Europe/Berlin, grace: 30m, limit: 2h, tags: [night], channels: [Mail] }
  - { name: Dump, every: 26h, source: { kind: file, path: /nowhere/*.gz }, paused: true }
maintenance:
  - { name: Sundays, cron: "0 4 * * 0", zone: UTC, length: 1h }
health: { notifyFrom: critical }
telemetry: { stormLimit: 7, alerts: { newGuilty: false } }
`

async function apply(
  { fetch }: TestService,
  text: string,
  query = '',
): Promise<{ status: number; answer: ConfigAnswer; error: string }> {
  const response = await fetch(`/api/v1/config${query}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text }),
  })
  const body = (await response.json()) as ConfigAnswer & { error?: string }
  return { status: response.status, answer: body, error: body.error ?? '' }
}

const get = async <T>({ fetch }: TestService, path: string): Promise<T> =>
  (await (await fetch(path)).json()) as T
const text = async ({ fetch }: TestService, query = ''): Promise<string> =>
  (await fetch(`/api/v1/config${query}`)).text()
const sums = (answer: ConfigAnswer): string[] =>
  Object.entries(answer).map(([section, one]) =>
    one === undefined
      ? ''
      : `${section} +${one.added.length} ~${one.changed.length} -${one.removed.length} =${one.unchanged}`,
  )

describe('a configuration', () => {
  it('is planned without being done, done once, and then changes nothing', async () => {
    const test = await startTestService()
    const dry = await apply(test, file, '?dryRun=true')
    expect(sums(dry.answer)).toEqual([
      'anchors +1 ~0 -3 =0',
      'channels +2 ~0 -0 =0',
      'hosts +2 ~0 -0 =0',
      'watchers +2 ~0 -0 =0',
      'maintenance +1 ~0 -0 =0',
      'health +0 ~1 -0 =0',
      'telemetry +0 ~2 -0 =0',
    ])
    expect((await get<WatcherList>(test, '/api/v1/watchers')).all).toBe(0)
    expect(sums((await apply(test, file)).answer)).toEqual(sums(dry.answer))
    const again = await apply(test, file)
    expect(sums(again.answer)).toEqual([
      'anchors +0 ~0 -0 =1',
      'channels +0 ~0 -0 =2',
      'hosts +0 ~0 -0 =2',
      'watchers +0 ~0 -0 =2',
      'maintenance +0 ~0 -0 =1',
      'health +0 ~0 -0 =1',
      'telemetry +0 ~0 -0 =2',
    ])
    const backup = await get<Watcher>(test, '/api/v1/watchers/nightly-backup')
    const channels = await get<Channel[]>(test, '/api/v1/channels')
    expect(backup).toMatchObject({ graceMs: 1_800_000, runLimitMs: 7_200_000, tags: ['night'] })
    expect(backup.channels).toEqual([channels.find(({ name }) => name === 'Mail')?.id])
    expect(backup.schedule).toEqual({ kind: 'cron', expression: '0 3 * * *', zone: 'Europe/Berlin' })
  })

  it('goes to another machine as it was: without secrets but for those asked for', async () => {
    const test = await startTestService()
    await apply(test, file)
    const plain = await text(test)
    expect(plain).not.toMatch(/secret-token|password|uuid/)
    expect(plain).toContain('every: 26h')
    const backup = await get<Watcher>(test, '/api/v1/watchers/nightly-backup')
    const whole = await text(test, '?secrets=true')
    expect(whole).toContain('secret-token')
    const other = await startTestService()
    expect((await apply(other, whole)).status).toBe(200)
    expect(await text(other, '?secrets=true')).toBe(whole)
    expect((await get<Watcher>(other, '/api/v1/watchers/nightly-backup')).uuid).toBe(backup.uuid)
    // What left its secrets out does not take away those that are there.
    const kept = await apply(other, await text(other))
    expect(kept.answer.channels).toMatchObject({ changed: [], unchanged: 2 })
    expect(await text(other, '?secrets=true')).toBe(whole)
  })

  it('changes what differs, removes only when told to, and keeps histories', async () => {
    const test = await startTestService()
    await apply(test, file)
    const before = await get<Watcher>(test, '/api/v1/watchers/nightly-backup')
    const next =
      'watchers:\n  - { name: Nightly backup, cron: "0 4 * * *", zone: Europe/Berlin, paused: true }\n'
    expect((await apply(test, next)).answer).toEqual({
      watchers: { added: [], changed: ['nightly-backup'], removed: [], unchanged: 0 },
    })
    const after = await get<Watcher>(test, '/api/v1/watchers/nightly-backup')
    expect(after).toMatchObject({ uuid: before.uuid, graceMs: 0, channels: null, tags: [], paused: true })
    expect((await get<WatcherList>(test, '/api/v1/watchers')).all).toBe(2)
    expect((await apply(test, next, '?prune=true')).answer.watchers?.removed).toEqual(['dump'])
    expect((await get<WatcherList>(test, '/api/v1/watchers')).all).toBe(1)
    expect((await get<{ all: number }>(test, '/api/v1/hosts')).all).toBe(2)
  })

  it.each([
    ['watchers: [{name: a, every: soon}]', 'watchers 1: every: "soon" is not a length'],
    ['watchers: [{name: a, every: 1h, cron: x}]', 'watchers 1: one of every, cron, calendar and schedule'],
    ['watchers: [{name: a}]', "watchers 1 (a): 'schedule' is missing"],
    ['watchers: [{name: a, every: 1h}, {name: A, every: 1h}]', 'the watcher a is in the file twice'],
    ['watchers: [{name: a, cron: "61 * * * *"}]', 'is not a cron expression'],
    ['watchers: [{name: a, every: 1h, channels: [Nobody]}]', 'the channel Nobody, which is not there'],
    ['watchers: [{name: a, every: 1h, source: {kind: file, path: x}}]', "'x' is not an absolute path"],
    ['watchers: [{name: a, every: 1h, colour: red}]', "watchers 1 (a): 'colour' is not known here"],
    ['hosts: [{domain: a, probes: [telepathy]}]', 'hosts 1 (a).probes'],
    ['channels: [{name: a, kind: pigeon}]', 'channels 1 (a).kind'],
    ['channels: [{name: a, kind: ntfy}]', 'settings'],
    ['maintenance: [{name: a}]', 'needs begin and end'],
    ['health: {intervalS: 0}', 'health.intervalS'],
    ['telemetry: {retention: 3}', 'telemetry.retention'],
    ['colours: [red]', "'colours' is not known here"],
    ['hosts: [', 'Flow sequence'],
    ['', 'the file is empty'],
    ['7', 'needs a list such as hosts'],
    ['anchors: [example.org]', "'example.org' is not an IP address"],
  ])('that says %s is refused with its place, and changes nothing of the rest', async (bad, words) => {
    const test = await startTestService()
    const rest = bad.startsWith('watchers') ? '\nhosts: [{domain: 127.0.0.9, paused: true}]\n' : '\n'
    const { status, error } = await apply(test, bad + rest)
    expect([status, error]).toEqual([400, expect.stringContaining(words)])
    expect((await get<{ all: number }>(test, '/api/v1/hosts')).all).toBe(0)
    expect(await get(test, '/api/v1/channels')).toEqual([])
  })
})
