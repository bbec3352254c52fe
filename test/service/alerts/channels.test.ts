import { describe, expect, it } from 'vitest'
import { cutBytes } from '../../../electron/service/alerts/channels/chats.ts'
import { desktopFault, sessionProblem } from '../../../electron/service/alerts/channels/desktop.ts'
import { fillTemplate } from '../../../electron/service/alerts/channels/webhook.ts'
import {
  parseRetryAfter,
  quietUntil,
  reminderDelay,
  retryDelay,
  tomorrowMorning,
} from '../../../electron/service/alerts/rules.ts'
import type { Message } from '../../../electron/service/alerts/schema.ts'
import { plainFacts } from '../../../electron/service/context.ts'
import { alertBench } from '../../support/alert-bench.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { httpReceiver } from '../../support/receivers.ts'

const message: Message = {
  noticeId: 1,
  incidentId: 2,
  atMs: Date.UTC(2026, 10, 21, 12),
  kind: 'problem',
  severity: 'problem',
  title: 'Late: job',
  text: 'job is late',
  link: null,
  facts: {
    ...plainFacts('my "job"', 'job is late'),
    slug: 'job',
    code: 'uuid-1',
    tags: ['db', 'prod'],
    exitStatus: 3,
    body: 'last $NAME line\n',
  },
}

describe('a template', () => {
  it.each([
    ['$NAME is $STATUS', 'my "job" is down'],
    ['$CODE $SLUG $TAGS $TAG1 $TAG2 $TAG3.', 'uuid-1 job db prod db prod .'],
    [
      '{"n":$NAME_JSON,"b":$BODY_JSON,"e":$EXITSTATUS}',
      '{"n":"my \\"job\\"","b":"last $NAME line\\n","e":3}',
    ],
    ['$NOW', '2026-11-21T12:00:00+00:00'],
    ['{{ msg }} {{monitor.name}} {{ heartbeat.status }}', '[my "job"] [🔴 Down] job is late my "job" 0'],
    ['{{ unknown.thing }} $OTHER', '{{ unknown.thing }} $OTHER'],
    // What a client sent is not a template.
    ['$BODY', 'last $NAME line\n'],
  ])('%j becomes %j', (template, expected) => expect(fillTemplate(template, message)).toBe(expected))
  it('escapes what goes into an address', () => {
    expect(fillTemplate('http://x/?n=$NAME', message, encodeURIComponent)).toBe('http://x/?n=my%20%22job%22')
  })
})

describe('a receiver', () => {
  it('gets the shape that it documents', async () => {
    const clock = fakeClock()
    const bench = alertBench(clock)
    const receiver = await httpReceiver()
    bench.channel('ntfy', { url: `${receiver.url}/`, topic: 'alerts', token: 'tk', priority: 3 })
    bench.channel('slack', { url: `${receiver.url}/slack` })
    bench.channel('discord', { url: `${receiver.url}/discord` })
    bench.channel('gotify', { url: receiver.url, token: 'gt' })
    bench.channel('webhook', { url: `${receiver.url}/kuma` })
    bench.channel('webhook', {
      url: `${receiver.url}/hc?s=$STATUS`,
      method: 'PUT',
      headers: { 'X-Name': '$NAME' },
      body: '$NAME|$STATUS',
    })
    bench.change('a <b> @everyone', 'problem', { tags: ['db'], name: 'evil\r\nX-Injected: 1' })
    await bench.pass(3_000)
    const by = (path: string) => receiver.received.find(({ url }) => url === path)
    const body = (path: string): Record<string, unknown> =>
      JSON.parse(by(path)?.body ?? '{}') as Record<string, unknown>
    expect(body('/')).toMatchObject({
      topic: 'alerts',
      tags: ['red_circle'],
      priority: 4,
      click: expect.stringContaining('#/watchers/') as string,
    })
    expect(by('/')?.headers.authorization).toBe('Bearer tk')
    expect(body('/slack')).toMatchObject({
      attachments: [{ color: 'danger', text: expect.stringContaining('&lt;b&gt;') as string }],
    })
    expect(body('/discord')).toMatchObject({ allowed_mentions: { parse: [] } })
    expect(by('/message')?.headers['x-gotify-key']).toBe('gt')
    expect(body('/message')).toMatchObject({ priority: 8 })
    expect(body('/kuma')).toMatchObject({
      heartbeat: { status: 0 },
      monitor: { name: expect.any(String) as string },
      msg: expect.stringContaining('Down') as string,
    })
    const template = by('/hc?s=down')
    expect([template?.method, template?.body]).toEqual(['PUT', 'evil\r\nX-Injected: 1|down'])
    expect(template?.headers['x-injected']).toBeUndefined()
    expect(template?.headers['x-name']).toBe('evil X-Injected: 1')
  })
  it('is never sent more than it takes', () => {
    expect(Buffer.byteLength(cutBytes('ü'.repeat(5_000), 4_000))).toBeLessThanOrEqual(4_000)
    expect(cutBytes('ü'.repeat(5_000), 4_000).endsWith('ü…')).toBe(true)
  })
})

describe('waiting', () => {
  it.each([
    [1, null, 10_000],
    [2, null, 20_000],
    [30, null, 3_600_000],
    [1, 120_000, 120_000],
    [9, 1_000, 2_560_000],
  ])('after %i attempts (asked: %s) is %i ms', (attempts, asked, ms) =>
    expect(retryDelay(attempts, asked)).toBe(ms),
  )
  it.each([
    ['120', 120_000],
    ['Sat, 21 Nov 2026 12:00:30 GMT', 30_000],
    ['Sat, 21 Nov 2026 11:00:00 GMT', 0],
    ['soon', null],
    [null, null],
  ])('reads Retry-After %j as %s', (text, ms) =>
    expect(parseRetryAfter(text, Date.UTC(2026, 10, 21, 12))).toBe(ms),
  )
  it('for reminders doubles up to a day', () => {
    const hour = 3_600_000
    expect([0, 1, 2, 3, 4, 5, 6].map((count) => reminderDelay(hour, count) / hour)).toEqual([
      1, 2, 4, 8, 16, 24, 24,
    ])
    expect(reminderDelay(48 * hour, 3)).toBe(48 * hour)
  })
  it.each([
    ['22:00', '07:00', '2026-11-21T23:00Z', '2026-11-22T07:00Z'],
    ['22:00', '07:00', '2026-11-22T06:59Z', '2026-11-22T07:00Z'],
    ['22:00', '07:00', '2026-11-22T07:00Z', null],
    ['22:00', '07:00', '2026-11-21T21:59Z', null],
    ['12:00', '13:00', '2026-11-21T12:30Z', '2026-11-21T13:00Z'],
    ['08:00', '08:00', '2026-11-21T08:00Z', null],
  ])('in quiet hours from %s to %s at %s ends %s', (from, to, at, end) => {
    const until = quietUntil({ from, to, zone: 'UTC' }, Date.parse(at))
    expect(until).toBe(end === null ? null : Date.parse(end))
  })
  it('in quiet hours follows the clocks of the zone', () => {
    const until = quietUntil(
      { from: '22:00', to: '07:00', zone: 'Europe/Berlin' },
      Date.parse('2026-03-28T23:00Z'),
    )
    expect(new Date(until ?? 0).toISOString()).toBe('2026-03-29T05:00:00.000Z')
  })
  it('until tomorrow is until eight in the morning', () => {
    expect(new Date(tomorrowMorning(Date.parse('2026-11-21T23:30Z'), 'Europe/Berlin')).toISOString()).toBe(
      '2026-11-23T07:00:00.000Z',
    )
  })
})

describe('the desktop', () => {
  const surroundings = { platform: 'linux' as const, env: {}, uid: 1000, exists: () => false }
  it('is there with a session bus, and elsewhere than on Linux', () => {
    expect(sessionProblem(surroundings)).toContain('does not run in a desktop session')
    expect(sessionProblem({ ...surroundings, env: { DBUS_SESSION_BUS_ADDRESS: 'unix:x' } })).toBeNull()
    expect(sessionProblem({ ...surroundings, exists: (path) => path === '/run/user/1000/bus' })).toBeNull()
    expect(sessionProblem({ ...surroundings, platform: 'darwin' })).toBeNull()
  })
  it.each([
    ['not found: notify-send', 'notify-send is not installed'],
    [
      'GDBus.Error:org.freedesktop.DBus.Error.ServiceUnknown: The name org.freedesktop.Notifications was not provided by any .service files',
      'no notification service runs',
    ],
    ['Could not connect: Connection refused', 'the desktop session cannot be reached'],
  ])('names the fault of %j', (text, words) => expect(desktopFault(new Error(text))).toContain(words))
})
