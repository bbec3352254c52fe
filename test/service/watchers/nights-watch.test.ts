import { beforeEach, describe, expect, it } from 'vitest'
import { openRaw } from '../../support/raw-database.ts'
import { mailSink } from '../../support/receivers.ts'
import { startTestService, type TestService } from '../../support/service.ts'

interface Reply {
  readonly status: number
  readonly type: string | null
  readonly text: string
  readonly body: Record<string, unknown> & {
    readonly watcher: Record<string, unknown> & { readonly id: string; readonly history: [string, string][] }
  }
}

let test: TestService
let call: (command: string, query?: string, init?: RequestInit & { prefix?: string }) => Promise<Reply>

beforeEach(async () => {
  test = await startTestService()
  call = async (command, query = '', { prefix = '/nights-watch/v1/watcher/', ...init } = {}) => {
    const key = query.includes('auth_key')
      ? ''
      : `${query === '' ? '' : '&'}auth_key=${test.service.key ?? ''}`
    const response = await test.fetch(`${prefix}${command}?${query}${key}`, { ...init, key: null })
    const text = await response.text()
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      text,
      body: JSON.parse(text === '' ? 'null' : text) as Reply['body'],
    }
  }
})

const short = async (path: string, init?: RequestInit): Promise<Response> =>
  test.fetch(path, { ...init, key: null })

describe('Night’s Watch', () => {
  it('N1, N2: takes every command by any method, from the query string alone', async () => {
    for (const [index, method] of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'].entries()) {
      const { status, body } = await call('create', `name=job+${index}&periodicity=60`, {
        method,
        ...(method !== 'GET' && {
          body: 'name=other&periodicity=1',
          headers: { 'content-type': 'text/x-any' },
        }),
      })
      expect([method, status, body.watcher.name]).toEqual([method, 200, `job ${index}`])
    }
    const head = await short(`/nights-watch/v1/watcher/list?auth_key=${test.service.key ?? ''}`, {
      method: 'HEAD',
    })
    expect(head.status).toBe(200)
    const { id } = (await call('get', 'slug=job-0')).body.watcher
    for (const command of ['pause', 'unpause', 'trigger', 'get', 'delete'])
      expect([command, (await call(command, `id=${id}`)).status]).toEqual([command, 200])
  })

  it('N3: answers pretty JSON with a final newline', async () => {
    const { text, type } = await call('create', 'name=Pr%C3%BCfung&periodicity=60')
    expect(type).toBe('text/json; charset=utf-8')
    expect(text).toContain('{\n    "status": "ok",\n    "watcher": {\n        "id": "')
    expect(text).toContain('"name": "Pr\\u00fcfung"')
    expect(text.endsWith('}\n')).toBe(true)
  })

  it('N4: creates with id, slug, a deadline one period later and one entry of history', async () => {
    const { watcher } = (
      await call('create', 'name=My+First&periodicity=3600&description=d&email=a@b&email=c@d')
    ).body
    expect(watcher).toMatchObject({
      name: 'My First',
      slug: 'my-first',
      periodicity: 3600,
      description: 'd',
      emails: ['a@b', 'c@d'],
      paused: false,
      late: false,
    })
    expect(watcher.id).toMatch(/^[a-z]{8}$/)
    expect(watcher.history).toHaveLength(1)
    const [time = '', comment] = watcher.history[0] ?? []
    expect(comment).toBe('Snitch created')
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?$/)
    expect(Date.parse(`${String(watcher.deadline)}Z`) - Date.parse(`${time}Z`)).toBe(3_600_000)
    const paused = (await call('create', 'name=p&periodicity=60&paused=yes')).body.watcher
    expect(paused.paused).toBe(true)
    expect('deadline' in paused).toBe(false)
  })

  it.each([
    ["Été d'été #1", 'été-dété-1'],
    [' lead trail ', '-lead-trail-'],
    ['a  _-_ b', 'a-b'],
    ['UPPER', 'upper'],
  ])('N5: makes of the name %j the slug %j, and finds it by name', async (name, slug) => {
    const { watcher } = (await call('create', `name=${encodeURIComponent(name)}&periodicity=60`)).body
    expect(watcher.slug).toBe(slug)
    const { status } = await call('get', `name=${encodeURIComponent(name)}`)
    expect(status).toBe(200)
    const again = await call('create', `name=${encodeURIComponent(name)}&periodicity=60`)
    expect(again.status).toBe(400)
    expect(again.body.error).toBe(
      `AlreadyExistsError('Watcher ${slug} already exists with identifier ${watcher.id}')`,
    )
  })

  it('N6: triggers by command and by the short address, unpauses, and needs no key', async () => {
    const { id } = (await call('create', 'name=job&periodicity=60&paused=1')).body.watcher
    const first: unknown = await (await short(`/${id}?comment=a+b`)).json()
    expect(first).toEqual({ status: 'ok', recovered: false, unpaused: true })
    const second: unknown = await (
      await short(`/nights-watch/v1/watcher/trigger?name=job&m=short&auth_key=whatever`)
    ).json()
    expect(second).toEqual({ status: 'ok', recovered: false, unpaused: false })
    const { history } = (await call('get', `id=${id}`)).body.watcher
    expect(history.map(([, comment]) => comment)).toEqual([
      'Triggered (short)',
      'Triggered (a b)',
      'Snitch created',
    ])
    expect((await short('/zzzzzzzz')).status).toBe(404)
  })

  it('N7, N8: is late at the deadline; pause ends that silently and unpause counts anew; each only once', async () => {
    const { id } = (await call('create', 'name=job&periodicity=1')).body.watcher
    await expect
      .poll(async () => (await call('get', `id=${id}`)).body.watcher.late, { timeout: 5_000 })
      .toBe(true)
    expect((await call('pause', `id=${id}&comment=x`)).body.watcher).toMatchObject({
      late: false,
      paused: true,
    })
    const again = await call('pause', `id=${id}`)
    expect([again.status, again.body.error]).toEqual([400, 'AlreadyPausedError()'])
    const { watcher } = (await call('unpause', `id=${id}`)).body
    expect(watcher.history.map(([, comment]) => comment)).toEqual([
      'Unpaused',
      'Paused (x)',
      'Snitch created',
    ])
    expect((await call('unpause', `id=${id}`)).body.error).toBe('AlreadyUnpausedError()')
  })

  it('N7, N10: mails LATE and RESUMED to all addresses, in the original’s words, newest events first', async () => {
    const sink = await mailSink()
    const settings = { host: '127.0.0.1', port: sink.port, security: 'none', from: 'nw@example.org', to: [] }
    await test.fetch('/api/v1/channels', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ kind: 'email', name: 'mail', settings }),
    })
    const { id } = (await call('create', 'name=My+job&periodicity=1&email=a@example.org&email=b@example.org'))
      .body.watcher
    await call('create', 'name=Silent&periodicity=1')
    await expect.poll(() => sink.mails.length, { timeout: 10_000 }).toBe(1)
    const { deadline } = (await call('get', `id=${id}`)).body.watcher
    await short(`/${id}?comment=back`)
    await expect.poll(() => sink.mails.length, { timeout: 10_000 }).toBe(2)
    const [late, resumed] = sink.mails.map(({ to, text }) => ({
      to,
      subject: /^Subject: (.*)$/m.exec(text)?.[1]?.trim(),
      plain: text.split('Content-Transfer-Encoding')[1]?.replaceAll('\r\n', '\n') ?? '',
    }))
    expect(late?.to).toEqual(['a@example.org', 'b@example.org'])
    expect(late?.subject).toBe('[LATE] My job has not reported')
    expect(late?.plain.replace(/=\n/g, '')).toContain(
      `The watcher My job (${id}) was expected to report before ${String(deadline).replace('T', ' ')}.\n\nRecent events for this watcher:\n\n`,
    )
    expect(late?.plain.replace(/=\n/g, '')).toMatch(
      /\n\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{6})? {4,11} ?Snitch created\n/,
    )
    expect(resumed?.subject).toBe('[RESUMED] My job is reporting again')
    const words = resumed?.plain.replace(/=\n/g, '') ?? ''
    expect(words).toMatch(
      new RegExp(
        `The watcher My job \\(${id}\\) is reporting again as of [^\\n]+\\.\n\nThe next trigger for this watcher is due before`,
      ),
    )
    expect(words.indexOf('Triggered (back)')).toBeLessThan(words.indexOf('Snitch created'))
  })

  it('N13: keeps state over a restart, and what was late stays late', async () => {
    const { id } = (await call('create', 'name=job&periodicity=1')).body.watcher
    await expect
      .poll(async () => (await call('get', `id=${id}`)).body.watcher.late, { timeout: 5_000 })
      .toBe(true)
    const { database } = test.service
    await expect
      .poll(() => {
        const raw = openRaw(database)
        const verdict = raw.prepare('SELECT verdict FROM watcher_state').pluck().get()
        raw.close()
        return verdict
      })
      .toBe('late')
    await test.service.stop('quit')
    test = await startTestService({ database })
    const { watcher } = (await call('get', `id=${id}`)).body
    expect(watcher).toMatchObject({ late: true, name: 'job' })
    expect(await (await short(`/${id}`)).json()).toEqual({ status: 'ok', recovered: true, unpaused: false })
  })

  it('N9: updates by id or slug; the deadline counts from the newest entry', async () => {
    const { id } = (await call('create', 'name=job&periodicity=60&email=a@b')).body.watcher
    await short(`/${id}`)
    const { watcher } = (await call('update', `slug=job&name=New+Name&periodicity=7200`)).body
    expect(watcher).toMatchObject({
      id,
      name: 'New Name',
      slug: 'new-name',
      periodicity: 7200,
      emails: ['a@b'],
    })
    const newest = watcher.history[0]?.[0] ?? ''
    expect(Date.parse(`${String(watcher.deadline)}Z`) - Date.parse(`${newest}Z`)).toBe(7_200_000)
    expect((await call('update', `id=${id}&email=-`)).body.watcher.emails).toEqual([])
    expect((await call('update', `id=${id}`)).body.error).toBe("ValueError('No updates specified')")
    expect((await call('update', 'name=x')).body.error).toBe("Exception('Muset specify id or slug')")
  })

  it('N11: needs the key for everything but triggers; an unknown path is unknown first', async () => {
    for (const command of ['create', 'delete', 'update', 'get', 'list', 'pause', 'unpause'])
      expect([command, (await call(command, 'auth_key=wrong')).status]).toEqual([command, 401])
    expect((await call('list', 'auth_key=')).body).toEqual({ status: 'error', error: '401 Unauthorized' })
    const unknown = await call('frobnicate', 'auth_key=wrong')
    expect([unknown.status, unknown.body]).toEqual([404, { status: 'error', error: '404 Not Found' }])
    const byHeader = await test.fetch('/nights-watch/v1/watcher/list')
    expect(byHeader.status).toBe(200)
  })

  it('N12: reads booleans and repeated arguments as the original', async () => {
    const { watcher } = (
      await call('create', 'name=a&name=b&periodicity=5&periodicity=60&paused=&email=x@y&email=z@y')
    ).body
    expect(watcher).toMatchObject({ name: 'b', periodicity: 60, paused: false, emails: ['x@y', 'z@y'] })
    for (const word of ['TRUE', 'Yes', '1'])
      expect((await call('list', `paused=${word}`)).body.watchers).toEqual([])
    const bad = await call('list', 'paused=maybe')
    expect([bad.status, bad.body.error]).toEqual([
      400,
      `ValueError('Bad boolean value "maybe" for parameter "paused"')`,
    ])
    const extra = await call('get', 'id=x&colour=red')
    expect([extra.status, extra.body.error]).toEqual([400, `Exception('Unexpected argument "colour"')`])
  })

  it('N14: lists in order of creation, short or verbose, filtered', async () => {
    await call('create', 'name=one&periodicity=60')
    const two = (await call('create', 'name=two&periodicity=60&paused=true')).body.watcher
    const { watchers } = (await call('list')).body
    expect(watchers).toEqual([
      { name: 'one', id: expect.any(String) as string },
      { name: 'two', id: two.id },
    ])
    expect((await call('list', 'paused=1')).body.watchers).toEqual([{ name: 'two', id: two.id }])
    expect((await call('list', 'late=1')).body.watchers).toEqual([])
    const verbose = (await call('list', 'verbose=1&paused=0')).body.watchers as Record<string, unknown>[]
    expect(verbose).toMatchObject([{ name: 'one', history: [[expect.any(String), 'Snitch created']] }])
  })

  it.each([
    ['create', 'periodicity=5', 400, `Exception('Missing argument "name"')`],
    ['create', 'name=&periodicity=5', 400, `Exception('Missing argument "name"')`],
    ['create', 'name=x', 400, `Exception('Missing argument "periodicity"')`],
    ['create', 'name=x&periodicity=0', 400, "TypeError('periodicity must be positive')"],
    ['create', 'name=x&periodicity=-5', 400, "TypeError('periodicity must be positive')"],
    ['create', 'name=x&periodicity=abc', 400, `ValueError("invalid literal for int() with base 10: 'abc'")`],
    ['create', 'name=!!!&periodicity=5', 400, null],
    ['create', 'name=x&periodicity=1e400', 400, null],
    ['create', 'name=x&periodicity=99999999999999', 400, null],
    ['create', 'name=x&periodicity=5&email=a%0d%0ab', 400, null],
    ['get', '', 400, "Exception('Must specify id, slug, or name')"],
    ['get', 'id=nope', 404, "KeyError('No such watcher nope')"],
    ['delete', 'name=%27', 404, null],
    ['trigger', 'slug=nope', 404, "KeyError('No such watcher nope')"],
  ])('N15: refuses %s?%s with %i', async (command, query, status, error) => {
    const reply = await call(command, query)
    expect(reply.status).toBe(status)
    expect(reply.body.status).toBe('error')
    if (error !== null) expect(reply.body.error).toBe(error)
  })
})

describe('Coal Mine', () => {
  it('ends a pattern that would take for ever', async () => {
    await call('create', `name=${'a'.repeat(60)}!&periodicity=60`)
    const { status, body } = await call('list', `search=${encodeURIComponent('^(a|a)+$')}`, {
      prefix: '/coal-mine/v1/canary/',
    })
    expect([status, body.error]).toEqual([400, "error('the pattern takes too long')"])
  })

  const prefix = '/coal-mine/v1/canary/'
  it('answers with its own names, zones and calendar periods', async () => {
    const { body } = await call('create', `name=bird&periodicity=${encodeURIComponent('* * * * * 90')}`, {
      prefix,
    })
    const canary = body.canary as Record<string, unknown>
    expect(canary).toMatchObject({ slug: 'bird', periodicity: '* * * * * 90' })
    expect((canary.history as [string, string][])[0]?.[1]).toBe('Canary created')
    expect(String(canary.deadline)).toMatch(/\+00:00$/)
    const [[begin, end, seconds] = []] = canary.periodicity_schedule as [string, string, number][]
    expect(seconds).toBe(90)
    expect(Date.parse(end ?? '') - Date.parse(begin ?? '')).toBeGreaterThanOrEqual(7 * 86_400_000)
    expect((await call('list', '', { prefix })).body.canaries).toHaveLength(1)
    expect((await call('list', 'search=^bi', { prefix })).body.canaries).toHaveLength(1)
    expect((await call('list', 'search=9', { prefix })).body.canaries).toHaveLength(0)
  })
  it.each([
    ['get', 'id=nope', 404, 'Canary Not Found'],
    ['create', 'name=x&periodicity=0', 400, "TypeError('numeric periodicities must be positive')"],
    ['create', 'name=x&periodicity=-5', 400, null],
    ['create', 'name=x&periodicity=abc', 400, null],
    ['update', 'name=x', 400, "Exception('Must specify id or slug')"],
    ['list', 'search=%5B', 400, null],
  ])('refuses %s?%s with %i', async (command, query, status, error) => {
    const reply = await call(command, query, { prefix })
    expect([reply.status, reply.body.status]).toEqual([status, 'error'])
    if (error !== null) expect(reply.body.error).toBe(error)
    if (query.endsWith('abc') || query.endsWith('-5'))
      expect(reply.body.error).toContain(
        'malformed periodicity: must be positive number or semicolon-delimited',
      )
  })
})
