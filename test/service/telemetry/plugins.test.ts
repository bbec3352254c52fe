import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { Plugins, PluginView } from '../../../electron/shared/api/telemetry.ts'
import { aCrash } from '../../support/records.ts'
import { startTestService, type TestService } from '../../support/service.ts'

const example = fileURLToPath(new URL('../../../resources/plugins/crashes-by-day', import.meta.url))

interface Plugged {
  readonly test: TestService
  add(name: string, source: string, manifest?: string): void
  show(name: string): Promise<{ status: number; body: PluginView & { error?: string } }>
}

async function plugged(): Promise<Plugged> {
  const test = await startTestService()
  const folder = path.join(path.dirname(test.service.database), 'plugins')
  return {
    test,
    add(name, source, manifest = '{"tab":"T"}') {
      mkdirSync(path.join(folder, name), { recursive: true })
      writeFileSync(path.join(folder, name, 'manifest.json'), manifest)
      writeFileSync(path.join(folder, name, 'view.js'), source)
    },
    async show(name) {
      const response = await test.fetch(`/api/v1/telemetry/plugins/${name}`)
      return { status: response.status, body: (await response.json()) as PluginView & { error?: string } }
    },
  }
}

describe('plug-in views', () => {
  it('show the example that ships', async () => {
    const { test, show } = await plugged()
    cpSync(example, path.join(path.dirname(test.service.database), 'plugins', 'crashes-by-day'), {
      recursive: true,
    })
    for (let index = 0; index < 7; index += 1)
      await test.service.telemetry.store().insert({ record: aCrash(['f() app']), serverMs: Date.now() }, 0)
    const list = (await (await test.fetch('/api/v1/telemetry/plugins')).json()) as Plugins
    expect(list.plugins).toMatchObject([{ name: 'crashes-by-day', tab: 'Crashes by day', problem: null }])
    const { status, body } = await show('crashes-by-day')
    expect(status).toBe(200)
    expect(body.text).toBe('7 crashes in the last 30 days.')
    expect(body.charts[0]?.series[0]?.values).toEqual([7])
    expect(body.tables[0]?.rows).toHaveLength(5)
    const table = await test.fetch('/api/v1/telemetry/plugins/crashes-by-day?format=csv&table=0')
    expect(table.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    const lines = (await table.text()).trimEnd().split('\r\n')
    expect(lines).toHaveLength(6)
    expect(lines[0]).toBe(body.tables[0]?.columns.map((column) => `"${column}"`).join(','))
    const missing = await test.fetch('/api/v1/telemetry/plugins/crashes-by-day?format=csv&table=1')
    expect(missing.status).toBe(404)
  })

  it('are named and skipped when they are bad, and the good ones go on', async () => {
    const { test, add, show } = await plugged()
    add('good', 'function* view() { return { text: "fine" } }')
    add('no-tab', '', '{}')
    add('no-json', '', '{')
    add('Bad Name', '')
    add('no-view', 'var x = 1')
    add('no-syntax', 'function* view( {')
    add('throws', 'function* view() { throw new Error("oh no") }')
    add('odd', 'function* view() { return { tables: 3 } }')
    add('asks', 'function* view() { yield { sql: "SELECT * FROM record" } }')
    add('greedy', 'function* view() { for (;;) yield { count: [] } }')
    add('plain', 'function view() { return 1 }')
    const { plugins } = (await (await test.fetch('/api/v1/telemetry/plugins')).json()) as Plugins
    const problems = Object.fromEntries(plugins.map(({ name, problem }) => [name, problem]))
    expect(problems['good']).toBeNull()
    expect(problems['no-tab']).toContain('manifest.json needs a "tab"')
    mkdirSync(path.join(path.dirname(test.service.database), 'plugins', 'good', 'view.js.d'))
    expect(problems['no-json']).toBe('its manifest.json is no JSON')
    expect(problems['Bad Name']).toContain('is not named')
    expect(test.lines.join('')).toContain('Plugin no-tab could not be loaded')
    expect((await show('good')).body.text).toBe('fine')
    for (const [name, words] of [
      ['no-tab', 'cannot be used'],
      ['no-view', 'it defines no function* view()'],
      ['no-syntax', 'failed'],
      ['throws', 'oh no'],
      ['odd', 'it shows what cannot be shown'],
      ['asks', 'it asks what cannot be asked'],
      ['greedy', 'it asks more than 50 times'],
      ['plain', 'view is no generator'],
    ] as const) {
      const { status, body } = await show(name)
      expect([status, body.error], name).toEqual([400, expect.stringContaining(words)])
    }
    expect((await show('missing')).status).toBe(404)
    expect((await show('good')).status).toBe(200)
  })

  it('end when they take too long or too much, and harm nobody', async () => {
    const { add, show } = await plugged()
    add('endless', 'function* view() { for (;;) {} }')
    add('endless-load', 'for (;;) {}')
    add('large', 'function* view() { const all = []; for (;;) all.push(new Array(1e6).fill(Math.random())) }')
    add('buffers', 'function* view() { const all = []; for (;;) all.push(new Uint8Array(1e7).fill(1)) }')
    add('deep', 'function* view() { const f = () => f() + 1; return { text: String(f()) } }')
    add(
      'wide',
      'function* view() { return { charts: [{ title: "x", kind: "bar", labels: [], series: [{ name: "x", values: new Array(3e5).fill(1) }] }] } }',
    )
    add('pattern', 'function* view() { /^(a+)+$/.test("a".repeat(40) + "!"); return {} }')
    const bad = ['endless', 'endless-load', 'large', 'buffers', 'deep', 'wide', 'pattern']
    const shown = await Promise.all(bad.map((name) => show(name)))
    for (const [index, { status, body }] of shown.entries())
      expect([status, body.error], bad[index] ?? '').toEqual([400, expect.stringContaining('failed')])
  }, 30_000)

  it('take no more memory and time than they are given, one after the other', async () => {
    const { add, show } = await plugged()
    const greedy = 'function* view() { const all = []; for (;;) all.push("x".repeat(1e6) + all.length) }'
    for (let index = 0; index < 4; index += 1) add(`strings-${index}`, greedy)
    add('good', 'function* view() { return { text: "fine" } }')
    const before = process.memoryUsage().rss
    let most = before
    const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 10)
    const begun = performance.now()
    const shown = await Promise.all([
      ...Array.from({ length: 4 }, (_, index) => show(`strings-${index}`)),
      show('good'),
    ])
    clearInterval(watch)
    for (const { status, body } of shown.slice(0, 4))
      expect([status, body.error]).toEqual([400, expect.stringMatching(/out of memory|takes too long/)])
    expect(shown[4]?.body.text).toBe('fine')
    expect((most - before) / 1_048_576).toBeLessThan(300)
    expect(performance.now() - begun).toBeLessThan(5 * 4_000)
  }, 60_000)

  it('reach nothing beyond what they are given', async () => {
    const { test, add, show } = await plugged()
    const attempts = [
      'typeof process',
      'typeof require',
      'typeof fetch',
      'typeof setTimeout',
      'typeof WebAssembly === "undefined" ? "undefined" : typeof new WebAssembly.Module(new Uint8Array([0,97,115,109,1,0,0,0]))',
      'this.constructor.constructor("return process")().pid',
      'globalThis.constructor.constructor("return this")().process.pid',
      'Function("return process")().pid',
      '(function(){}).constructor("return process")().pid',
      '(() => { try { null.x } catch (e) { return e.constructor.constructor("return process")().pid } })()',
      '__step.constructor("return process")().pid',
      'arguments.callee.caller.constructor("return process")().pid',
      'import("node:fs")',
      'Error.prepareStackTrace',
    ]
    for (const [index, attempt] of attempts.entries()) {
      const source = `function* view() { const got = ${attempt}; return { text: typeof got === 'object' ? 'object' : String(got) } }`
      add(`try-${index}`, source)
      const { status, body } = await show(`try-${index}`)
      if (status === 200) expect(['undefined', 'object'], attempt).toContain(body.text)
      else expect(status, attempt).toBe(400)
      expect(body.text ?? '', attempt).not.toContain(String(process.pid))
    }
    add(
      'tampers',
      'JSON.parse = () => ({}); JSON.stringify = () => "x"; Object.prototype.then = 1; function* view() { const rows = yield { count: [] }; return { text: String(rows.length) } }',
    )
    expect((await show('tampers')).status).toBeLessThan(500)
    add('asks-badly', 'function* view() { yield { count: ["machine; DROP TABLE record"] } }')
    expect((await show('asks-badly')).status).toBe(400)
    add('pattern', 'function* view() { yield { records: 5, where: { payload: "(" } } }')
    expect((await show('pattern')).status).toBe(400)
    expect((await test.fetch('/api/v1/telemetry')).status).toBe(200)
    for (const name of ['../../../etc', '..%2f..', '%2e%2e'])
      expect((await test.fetch(`/api/v1/telemetry/plugins/${name}`)).status).toBeGreaterThanOrEqual(400)
    if (process.platform !== 'win32') {
      mkdirSync(path.join(path.dirname(test.service.database), 'plugins', 'linked'), { recursive: true })
      symlinkSync(
        '/etc/passwd',
        path.join(path.dirname(test.service.database), 'plugins', 'linked', 'manifest.json'),
      )
      const { plugins } = (await (await test.fetch('/api/v1/telemetry/plugins')).json()) as Plugins
      expect(plugins.find(({ name }) => name === 'linked')?.problem).toBe('its manifest.json is no JSON')
    }
  })
})
