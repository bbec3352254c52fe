import { describe, expect, it } from 'vitest'
import { addMaintenance } from '../../../electron/service/alerts/maintenance.ts'
import { alertBench } from '../../support/alert-bench.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { httpReceiver, mailSink } from '../../support/receivers.ts'

const minute = 60_000
const hour = 60 * minute
const mute = (bench: ReturnType<typeof alertBench>, untilMs: number, item: string | null = null): void => {
  bench.context.db
    .prepare('INSERT INTO mute (room, item, from_ms, until_ms) VALUES (?, ?, ?, ?)')
    .run(item === null ? null : 'watchers', item, bench.context.clock.read().wallMs, untilMs)
}

describe('a change', () => {
  it('is told once by every channel, and its recovery where it was told', async () => {
    const clock = fakeClock()
    const bench = alertBench(clock)
    const receiver = await httpReceiver()
    bench.channel('desktop', {})
    bench.channel('slack', { url: `${receiver.url}/hook` })
    bench.change('backup', 'problem')
    await bench.pass(3_000)
    expect(bench.shown.map(({ title }) => title)).toEqual(['Problem: backup'])
    expect(receiver.received).toHaveLength(1)
    bench.change('backup', 'recovery')
    await bench.pass(3_000)
    expect(bench.shown.map(({ title, replaces }) => [title, replaces])).toEqual([
      ['Problem: backup', 'watchkeeper-incident-1'],
      ['Recovered: backup', 'watchkeeper-incident-1'],
    ])
    expect(bench.outcomes().every((outcome) => outcome.startsWith('sent '))).toBe(true)
  })

  it('that nobody is to be told of only opens or closes the problem', async () => {
    const clock = fakeClock()
    const bench = alertBench(clock)
    bench.channel('desktop', {})
    bench.change('backup', 'problem')
    await bench.pass(3_000)
    bench.change('backup', 'recovery', { text: '' })
    await bench.pass(3_000)
    expect(bench.shown).toHaveLength(1)
    expect(
      bench.context.db.prepare('SELECT count(*) FROM incident WHERE closed_ms IS NULL').pluck().get(),
    ).toBe(0)
  })

  it('that was written down before a crash is told after it, once', async () => {
    const clock = fakeClock()
    const first = alertBench(clock)
    first.channel('desktop', {})
    first.change('backup', 'problem')
    first.kill()
    const second = alertBench(clock, { database: first.database })
    await second.pass(3_000)
    second.kill()
    const third = alertBench(clock, { database: first.database })
    await third.pass(3_000)
    expect([first.shown, second.shown, third.shown].map(({ length }) => length)).toEqual([0, 1, 0])
  })

  it('goes only to the channels that its watcher chose', async () => {
    const clock = fakeClock()
    const bench = alertBench(clock)
    const receiver = await httpReceiver()
    bench.channel('desktop', {})
    const slack = bench.channel('slack', { url: receiver.url })
    bench.change('backup', 'problem', { channels: [slack] })
    await bench.pass(3_000)
    expect([bench.shown.length, receiver.received.length]).toEqual([0, 1])
  })
})

describe('a storm', () => {
  it('of four changes within a moment is one notice with their number and names', async () => {
    const clock = fakeClock()
    const bench = alertBench(clock)
    bench.channel('desktop', {})
    for (const item of ['a', 'b', 'c', 'd', 'e']) {
      bench.change(item, 'problem')
      await bench.pass(500)
    }
    await bench.pass(3_000)
    expect(bench.shown.map(({ title, text }) => [title, text])).toEqual([
      ['5 watchers have a problem', 'a, b, c, d, e'],
    ])
    expect(bench.outcomes().filter((outcome) => outcome.startsWith('held'))).toHaveLength(5)
    for (const item of ['a', 'b', 'c', 'd', 'e']) bench.change(item, 'recovery')
    await bench.pass(3_000)
    expect(bench.shown.at(-1)?.title).toBe('5 watchers are well again')
  })
  it('is no storm when three change', async () => {
    const clock = fakeClock()
    const bench = alertBench(clock)
    bench.channel('desktop', {})
    for (const item of ['a', 'b', 'c']) bench.change(item, 'problem')
    await bench.pass(3_000)
    expect(bench.shown.map(({ title }) => title)).toEqual(['Problem: a', 'Problem: b', 'Problem: c'])
  })
  it('of one item ends with how it stands, in the order of what happened', async () => {
    const clock = fakeClock()
    const bench = alertBench(clock)
    const sink = await mailSink()
    bench.channel('desktop', {})
    bench.channel('email', {
      host: '127.0.0.1',
      port: sink.port,
      security: 'none',
      from: 'wk@example.org',
      to: [],
    })
    bench.change('flappy', 'problem', { emails: ['a@example.org'] })
    bench.change('flappy', 'recovery', { emails: ['a@example.org'] })
    bench.change('flappy', 'problem', { emails: ['a@example.org'] })
    await bench.pass(4_000)
    expect(bench.shown.map(({ title }) => title)).toEqual(['Problem: flappy'])
    expect(sink.mails.map(({ text }) => /^Subject: (.*)$/m.exec(text)?.[1]?.trim())).toEqual([
      '[Watchkeeper] Recovered: flappy',
      '[Watchkeeper] Problem: flappy',
    ])
  })
  it('of one item that flaps is told once', async () => {
    const clock = fakeClock()
    const bench = alertBench(clock)
    bench.channel('desktop', {})
    for (let index = 0; index < 10; index += 1) {
      bench.change('flappy', 'problem')
      bench.change('flappy', 'recovery')
    }
    await bench.pass(4_000)
    expect(bench.shown.length).toBe(1)
  })
})

describe('a delivery', () => {
  it('that is answered with errors is tried again, ever more rarely, and ends as sent', async () => {
    const clock = fakeClock()
    const bench = alertBench(clock)
    const receiver = await httpReceiver()
    receiver.answers.push(
      { status: 500, body: 'broken' },
      { status: 503 },
      { status: 200, raw: 'garbage, not HTTP\r\n\r\n' },
    )
    bench.channel('webhook', { url: receiver.url })
    bench.change('backup', 'problem')
    await bench.pass(3_000)
    expect(receiver.received).toHaveLength(1)
    expect(bench.notices()[0]?.deliveries[0]).toMatchObject({ state: 'waiting', attempts: 1 })
    expect(bench.notices()[0]?.deliveries[0]?.reason).toContain('answered 500: broken')
    await bench.pass(11_000)
    expect(receiver.received).toHaveLength(2)
    await bench.pass(21_000)
    expect(receiver.received).toHaveLength(3)
    expect(bench.notices()[0]?.deliveries[0]?.reason).toContain('does not answer as a web server does')
    await bench.pass(41_000)
    expect(receiver.received).toHaveLength(4)
    expect(bench.notices()[0]?.deliveries[0]).toMatchObject({ state: 'sent', attempts: 4 })
  })

  it('waits as long as Retry-After asks', async () => {
    const clock = fakeClock()
    const bench = alertBench(clock)
    const receiver = await httpReceiver()
    receiver.answers.push({ status: 429, headers: { 'retry-after': '120' } })
    bench.channel('discord', { url: receiver.url })
    bench.change('backup', 'problem')
    await bench.pass(115_000)
    expect(receiver.received).toHaveLength(1)
    await bench.pass(10_000)
    expect(receiver.received).toHaveLength(2)
  })

  it('waits behind what its receiver asked time for', async () => {
    const clock = fakeClock()
    const bench = alertBench(clock)
    const receiver = await httpReceiver()
    receiver.answers.push({ status: 429, headers: { 'retry-after': '600' } })
    bench.channel('slack', { url: receiver.url })
    bench.change('first', 'problem')
    await bench.pass(5_000)
    bench.change('second', 'problem')
    await bench.pass(60_000)
    expect(receiver.received).toHaveLength(1)
    await bench.pass(10 * minute)
    expect(receiver.received.map(({ body }) => /first|second/.exec(body)?.[0])).toEqual([
      'first',
      'first',
      'second',
    ])
  })

  it('of a problem that ends without a word is not told any more', async () => {
    const clock = fakeClock()
    const bench = alertBench(clock)
    const receiver = await httpReceiver()
    receiver.answers.push({ status: 500 })
    bench.channel('slack', { url: receiver.url })
    bench.change('backup', 'problem')
    await bench.pass(5_000)
    bench.change('backup', 'recovery', { text: '' })
    await bench.pass(10 * minute)
    expect(receiver.received).toHaveLength(1)
    expect(bench.outcomes()).toEqual(['held Problem: backup'])
  })

  it('is muted by a mute that is made while it waits', async () => {
    const clock = fakeClock()
    const bench = alertBench(clock)
    const receiver = await httpReceiver()
    receiver.answers.push({ status: 500 })
    bench.channel('slack', { url: receiver.url })
    bench.change('backup', 'problem')
    await bench.pass(5_000)
    mute(bench, clock.read().wallMs + hour)
    await bench.pass(2 * minute)
    expect(receiver.received).toHaveLength(1)
    expect(bench.outcomes()).toEqual(['muted Problem: backup'])
  })

  it('keeps its waiting time when the clock is set back', async () => {
    const clock = fakeClock()
    const bench = alertBench(clock)
    const receiver = await httpReceiver()
    receiver.answers.push({ status: 500 })
    bench.channel('slack', { url: receiver.url })
    bench.change('backup', 'problem')
    await bench.pass(5_000)
    clock.step(-10 * hour)
    bench.context.observation.look()
    await bench.pass(15_000)
    expect(receiver.received).toHaveLength(2)
  })

  it('that is refused for good fails with the reason, after three tries', async () => {
    const clock = fakeClock()
    const bench = alertBench(clock)
    const receiver = await httpReceiver()
    for (let index = 0; index < 5; index += 1) receiver.answers.push({ status: 404, body: 'no such hook' })
    bench.channel('slack', { url: receiver.url })
    bench.change('backup', 'problem')
    await bench.pass(3 * minute)
    expect(receiver.received).toHaveLength(3)
    expect(bench.notices()[0]?.deliveries[0]).toMatchObject({ state: 'failed' })
    expect(bench.notices()[0]?.deliveries[0]?.reason).toContain('404: no such hook')
  })

  it('to a receiver that is away for a day fails with the reason', async () => {
    const clock = fakeClock()
    const bench = alertBench(clock)
    bench.channel('slack', { url: 'http://127.0.0.1:1/hook' })
    bench.change('backup', 'problem')
    await bench.pass(3_000)
    for (let hours = 0; hours < 26; hours += 1) {
      clock.advance(hour)
      await bench.pass(500)
    }
    expect(bench.notices()[0]?.deliveries[0]).toMatchObject({ state: 'failed' })
  })

  it('that still waits when the recovery comes is told together with it', async () => {
    const clock = fakeClock()
    const bench = alertBench(clock)
    const receiver = await httpReceiver()
    receiver.answers.push({ status: 500 })
    bench.channel('ntfy', { url: receiver.url, topic: 'x' })
    bench.change('backup', 'problem')
    await bench.pass(3_000)
    bench.change('backup', 'recovery', { text: 'backup is reporting again after 5 min.' })
    await bench.pass(15_000)
    expect(receiver.received).toHaveLength(2)
    expect(receiver.received[1]?.body).toContain('after 5 min')
    expect(bench.outcomes()).toEqual(['held Problem: backup', 'sent Recovered: backup'])
  })

  it('survives a crash in the middle: it is sent again', async () => {
    const clock = fakeClock()
    const receiver = await httpReceiver()
    const first = alertBench(clock)
    first.channel('slack', { url: receiver.url })
    receiver.answers.push({ status: 500 })
    first.change('backup', 'problem')
    await first.pass(3_000)
    first.kill()
    const second = alertBench(clock, { database: first.database })
    await second.pass(15_000)
    expect(receiver.received).toHaveLength(2)
    expect(second.outcomes()).toEqual(['sent Problem: backup'])
  })

  it('whose outcome cannot be written down is not sent again and again', async () => {
    const clock = fakeClock()
    const bench = alertBench(clock)
    const receiver = await httpReceiver()
    bench.channel('slack', { url: receiver.url })
    bench.change('backup', 'problem')
    await bench.pass(500)
    const { db } = bench.context
    db.exec("CREATE TRIGGER no_room BEFORE UPDATE ON delivery BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    await bench.pass(5 * minute)
    expect(receiver.received).toHaveLength(1)
    db.exec('DROP TRIGGER no_room')
    await bench.pass(2 * minute)
    expect(receiver.received).toHaveLength(1)
    expect(bench.outcomes()).toEqual(['sent Problem: backup'])
  })

  it('to a desktop that is not there fails at once, and says why', async () => {
    const clock = fakeClock()
    const bench = alertBench(clock, { desktopProblem: 'no session' })
    bench.channel('desktop', {})
    bench.change('backup', 'problem')
    await bench.pass(3_000)
    expect(bench.notices()[0]?.deliveries[0]).toMatchObject({ state: 'failed', reason: 'no session' })
  })
})

describe('silence', () => {
  it('of a mute is written down; what lasts at its end is told then, what is over is not', async () => {
    const clock = fakeClock()
    const bench = alertBench(clock)
    bench.channel('desktop', {})
    mute(bench, clock.read().wallMs + hour)
    bench.change('short', 'problem')
    bench.change('long', 'problem')
    await bench.pass(3_000)
    bench.change('short', 'recovery')
    await bench.pass(3_000)
    expect(bench.shown).toEqual([])
    expect(bench.outcomes()).toEqual([
      'muted Problem: short',
      'muted Problem: long',
      'muted Recovered: short',
    ])
    clock.advance(hour)
    await bench.pass(3_000)
    expect(bench.shown.map(({ title }) => title)).toEqual(['Still: Problem: long'])
  })

  it('of a mute covers one item alone', async () => {
    const clock = fakeClock()
    const bench = alertBench(clock)
    bench.channel('desktop', {})
    mute(bench, clock.read().wallMs + hour, 'loud')
    bench.change('loud', 'problem')
    bench.change('other', 'problem')
    await bench.pass(3_000)
    expect(bench.shown.map(({ title }) => title)).toEqual(['Problem: other'])
  })

  it('of maintenance holds what is tagged, once or again and again', async () => {
    const clock = fakeClock({ wallMs: Date.UTC(2026, 10, 22, 2, 10) })
    const bench = alertBench(clock)
    bench.channel('desktop', {})
    addMaintenance(
      bench.context.db,
      {
        name: 'Sundays',
        tag: 'db',
        schedule: { kind: 'cron', expression: '0 2 * * sun', zone: 'UTC' },
        lengthMs: hour,
      },
      clock.read().wallMs,
    )
    bench.change('base', 'problem', { tags: ['db'] })
    bench.change('other', 'problem')
    await bench.pass(3_000)
    expect(bench.shown.map(({ title }) => title)).toEqual(['Problem: other'])
    expect(bench.notices().find(({ item }) => item === 'base')?.deliveries[0]?.reason).toContain('Sundays')
    clock.advance(50 * minute)
    await bench.pass(3_000)
    expect(bench.shown.map(({ title }) => title)).toEqual(['Problem: other', 'Still: Problem: base'])
  })

  it('never comes of channels that are gone: then every channel tells', async () => {
    const clock = fakeClock()
    const bench = alertBench(clock)
    bench.channel('desktop', {})
    bench.change('base', 'problem', { channels: [99] })
    await bench.pass(3_000)
    expect(bench.shown.map(({ title }) => title)).toEqual(['Problem: base'])
  })

  it('of quiet hours ends in one digest', async () => {
    const clock = fakeClock({ wallMs: Date.UTC(2026, 10, 21, 23, 0) })
    const bench = alertBench(clock)
    bench.channel('desktop', {}, { quiet: { from: '22:00', to: '07:00', zone: 'UTC' } })
    for (const item of ['a', 'b']) {
      bench.change(item, 'problem')
      await bench.pass(5_000)
    }
    bench.change('a', 'recovery')
    await bench.pass(5_000)
    expect(bench.shown).toEqual([])
    clock.advance(8 * hour)
    await bench.pass(3_000)
    expect(bench.shown.map(({ title, text }) => [title, text])).toEqual([
      [
        '3 notices during quiet hours',
        expect.stringMatching(/^2 problems came up; 1 of them still last\.\n.*Problem: a\n/) as string,
      ],
    ])
  })
})

describe('reminders', () => {
  it('come while a problem lasts, ever more rarely, until it is acknowledged', async () => {
    const clock = fakeClock()
    const bench = alertBench(clock)
    bench.channel('desktop', {})
    bench.change('backup', 'problem', { remindMs: hour })
    await bench.pass(3_000)
    const count = async (ms: number): Promise<number> => {
      for (let passed = 0; passed < ms; passed += 10 * minute) {
        clock.advance(10 * minute)
        await bench.pass(500)
      }
      return bench.shown.length
    }
    expect(await count(hour + 10 * minute)).toBe(2)
    expect(await count(hour)).toBe(2)
    expect(await count(hour + 10 * minute)).toBe(3)
    bench.context.commits
      .write(() => bench.alerts.refresh('watchers', 'backup', { remindMs: 2 * hour }))
      .catch(() => undefined)
    bench.context.commits.flush()
    expect(bench.context.db.prepare('SELECT remind_at_ms FROM incident').pluck().get()).toBeGreaterThan(
      clock.read().wallMs + 2 * hour,
    )
    bench.context.db.prepare('UPDATE incident SET acknowledged_ms = 1, remind_at_ms = NULL').run()
    expect(await count(20 * hour)).toBe(3)
    bench.change('backup', 'recovery')
    await bench.pass(3_000)
    expect(bench.shown.at(-1)?.title).toBe('Recovered: backup')
  })
})

describe('mail', () => {
  const server = (port: number) => ({ host: '127.0.0.1', port, security: 'none', from: 'wk@example.org' })

  it('carries Night’s Watch’s subject and text to a watcher’s own addresses, in one thread', async () => {
    const clock = fakeClock()
    const bench = alertBench(clock)
    const sink = await mailSink()
    bench.channel('email', { ...server(sink.port), to: ['ops@example.org'] })
    const mail = {
      subject: '[LATE] Prüfung\r\nBcc: evil@example.org has not reported',
      text: 'The watcher x was expected.\n',
    }
    bench.change('backup', 'problem', { emails: ['a@example.org', 'b@example.org'], mail })
    await bench.pass(3_000)
    expect(sink.mails.map(({ to }) => to)).toEqual([['ops@example.org'], ['a@example.org', 'b@example.org']])
    const [, own] = sink.mails
    expect(own?.text).toMatch(/^Subject: =\?UTF-8\?/m)
    expect(own?.text).not.toMatch(/^Bcc:/m)
    expect(own?.text).toMatch(/^Date: /m)
    expect(own?.text).toMatch(/^Message-ID: <notice-/m)
    expect(own?.text).toContain('The watcher x was expected.')
    bench.change('backup', 'recovery', { emails: ['a@example.org', 'b@example.org'] })
    await bench.pass(3_000)
    const threads = sink.mails.map(
      ({ text }) => /^References: (<incident-\d+\.\w+@watchkeeper>)/m.exec(text)?.[1],
    )
    expect(new Set(threads).size).toBe(1)
    expect(threads[0]).toBeDefined()
  })

  it('is kept while the server refuses or is gone, and sent when it is well again', async () => {
    const clock = fakeClock()
    const bench = alertBench(clock)
    const sink = await mailSink()
    sink.mood = 'refuses'
    bench.channel('email', { ...server(sink.port), to: ['ops@example.org'] })
    bench.change('backup', 'problem')
    await bench.pass(3_000)
    expect(bench.notices()[0]?.deliveries[0]).toMatchObject({ state: 'waiting' })
    expect(bench.notices()[0]?.deliveries[0]?.reason).toContain('Try later')
    sink.mood = 'well'
    await bench.pass(11_000)
    expect(sink.mails).toHaveLength(1)
    expect(bench.outcomes()).toEqual(['sent Problem: backup'])
  })

  it('is given up for this time when the server hangs, and sent when it is well again', async () => {
    const clock = fakeClock()
    const bench = alertBench(clock)
    const sink = await mailSink()
    sink.mood = 'hangs'
    bench.channel('email', { ...server(sink.port), to: ['ops@example.org'] })
    bench.change('backup', 'problem')
    await bench.pass(3_000)
    expect(bench.notices()[0]?.deliveries[0]).toMatchObject({ state: 'waiting', attempts: 1 })
    expect(bench.notices()[0]?.deliveries[0]?.reason).toContain('did not answer in time')
    sink.mood = 'well'
    await bench.pass(11_000)
    expect(sink.mails).toHaveLength(1)
  }, 60_000)

  it('that one of its addresses does not get says which', async () => {
    const clock = fakeClock()
    const bench = alertBench(clock)
    const sink = await mailSink()
    bench.channel('email', { ...server(sink.port), to: ['ops@example.org', 'refused@example.org'] })
    bench.change('backup', 'problem')
    await bench.pass(3_000)
    expect(sink.mails.map(({ to }) => to)).toEqual([['ops@example.org']])
    expect(bench.notices()[0]?.deliveries[0]).toMatchObject({
      state: 'sent',
      reason: 'the mail server refused refused@example.org; the others were sent',
    })
  })

  it('with a wrong login names the fault', async () => {
    const clock = fakeClock()
    const bench = alertBench(clock)
    const sink = await mailSink({ user: 'me', password: 'right' })
    bench.channel('email', { ...server(sink.port), user: 'me', password: 'wrong', to: ['ops@example.org'] })
    bench.change('backup', 'problem')
    await bench.pass(3_000)
    expect(bench.notices()[0]?.deliveries[0]?.reason).toContain('refused the login of me')
  })
})
