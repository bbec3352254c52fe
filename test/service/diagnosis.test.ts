import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import {
  documentHtml,
  documentText,
  masked,
  type Document,
} from '../../electron/service/diagnosis/document.ts'
import { createMasker } from '../../electron/service/diagnosis/mask.ts'
import { startTestService } from '../support/service.ts'

describe('masking', () => {
  const { mask } = createMasker(
    new Map([
      ['nas.lan', 'host'],
      ['nas', 'host'],
      ['Anna', 'user'],
      ['root', 'user'],
      ['Nightly backup', 'name'],
    ]),
  )

  it.each([
    ['nas.lan is down, NAS.LAN!', 'host-1 is down, host-1!'],
    ['the nas, not nascent', 'the host-2, not nascent'],
    ['user anna and root', 'user user-1 and root'],
    ['Nightly backup is late', 'name-1 is late'],
    ['from 192.168.1.10 and 192.168.1.10, not 127.0.0.1', 'from address-1 and address-1, not 127.0.0.1'],
    ['version 1.2.3 and 10.20 stay, 300.1.1.1 as well', 'version 1.2.3 and 10.20 stay, 300.1.1.1 as well'],
    ['fe80::1 and 2001:db8::7 at 12:30:45', 'address-2 and address-3 at 12:30:45'],
    ['02:42:ac:11:00:02', 'device-1'],
    ['mail to bob@example.com', 'mail to mail-1'],
    ['/home/bob/x and C:\\Users\\bob\\y', '/home/user-2/x and C:\\Users\\user-2\\y'],
    ['http://secret:pw@intra.example:8080/x?y', 'http://host-3:8080/x?…'],
    ['http://10.0.0.9/', 'http://address-4/'],
    ['tcp6 [2a02:8109:1:2:3:4:5:6789]:22', 'tcp6 [address-5]:22'],
    ['/media/alice/STICK and /run/media/alice/x', '/media/user-3/STICK and /run/media/user-3/x'],
    ['enx00e04c680001 is up', 'enx-device-2 is up'],
    ['postgres://u:pw/with@db/x?token=1 failed', 'postgres://host-4/x?… failed'],
    ['C:\\Users\\Alice Smith\\x', 'C:\\Users\\user-4\\x'],
    ['connect ECONNREFUSED 2001:db8:1:2:3:4ff:fe05:6:443', 'connect ECONNREFUSED address-6:443'],
    ['at 2001:db8::1: refused', 'at address-7: refused'],
    ['on ::ffff:10.0.0.8, fe80::1%eth0', 'on address-8, address-2%eth0'],
    [
      'std::vector<a> at dead::beefy, 12:30:45 and a::',
      'std::vector<a> at dead::beefy, 12:30:45 and address-9',
    ],
    ['jürgen@example.com', 'mail-2'],
    ['http://nas.lan/~alice/x and ~alice/y, ~5 or so', 'http://host-1/~user-3/x and ~user-3/y, ~5 or so'],
    ['10.0.0.5_x1 but 1.2.3.4.5', 'address-10_x1 but 1.2.3.4.5'],
    ['2001:db8::1_x1 and if_2001:db8::1', 'address-7_x1 and if_address-7'],
    ['name not found: shop', 'name not found: host-5'],
    ['getaddrinfo ENOTFOUND shop.example', 'getaddrinfo ENOTFOUND host-6'],
    ['the cdn.nas.lan, nas.alice-corp.example', 'the host-7, host-8'],
    ['nas.service failed, libnas.so.6 stays', 'host-2.service failed, libnas.so.6 stays'],
    ['nothing at all', 'nothing at all'],
  ])('turns “%s” into “%s”', (text, expected) => {
    expect(mask(text)).toBe(expected)
  })
})

describe('the document', () => {
  const document: Document = {
    title: 'T',
    lead: 'all <b>',
    foot: 'end',
    sections: [
      {
        title: 'One & two',
        lines: ['a "line"'],
        table: { columns: ['x', 'long column'], rows: [['1\n2', '<script>']] },
      },
    ],
  }

  it('lets nothing be HTML that is not its own', () => {
    const html = documentHtml(document)
    expect(html).toContain('all &lt;b&gt;')
    expect(html).toContain('<td>&lt;script&gt;</td>')
    expect(html).not.toContain('<script')
    expect(html).not.toMatch(/https?:/)
  })

  it('is a table with aligned columns as text', () => {
    expect(documentText(document)).toContain(
      'One & two\n---------\na "line"\nx    long column\n1 2  <script>\n',
    )
  })

  it('masks every cell and line', () => {
    const hidden = masked(document, { mask: (text) => text.toUpperCase() })
    expect(hidden.sections[0]).toEqual({
      title: 'One & two',
      lines: ['A "LINE"'],
      table: { columns: ['x', 'long column'], rows: [['1\n2', '<SCRIPT>']] },
    })
  })
})

describe('GET /api/v1/health/diagnosis', () => {
  it('tells of every room without a name, unless it is told to', async () => {
    const test = await startTestService()
    const post = (route: string, body: unknown): Promise<Response> =>
      test.fetch(route, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    await post('/api/v1/watchers', {
      name: 'Secret-payroll 7',
      schedule: { kind: 'period', periodMs: 60_000 },
      graceMs: 0,
    })
    await post('/api/v1/hosts', {
      domain: 'vault.example',
      name: 'The vault',
      probes: [
        { kind: 'tcp', port: 1, timeoutMs: 200 },
        { kind: 'http', url: 'https://shop.alice-corp.invalid/', timeoutMs: 200 },
        { kind: 'dns', name: 'mx.alice-corp.invalid', record: 'A', server: '127.0.0.53:5', timeoutMs: 200 },
      ],
    })
    await post('/api/v1/channels', {
      kind: 'webhook',
      name: 'Hook',
      settings: { url: 'http://hooks.bob-corp.invalid:8080/x' },
    })
    const db = new Database(test.service.database)
    const insert = db.prepare(
      "INSERT INTO incident (room, item, name, opened_ms, text, affected, path) VALUES ('machine', ?, 'Lookups', ?, ?, '[]', '/')",
    )
    for (const text of [
      'name not found: shop.alice-corp.invalid',
      'www.alice-corp.invalid answers 500, hooks.bob-corp.invalid refused, mx.alice-corp.invalid. is away',
    ])
      insert.run(text, Date.now(), text)
    db.close()
    await test.service.health.sample()
    const text = async (query: string): Promise<string> =>
      (await test.fetch(`/api/v1/health/diagnosis?${query}`)).text()
    const page = await text('format=text')
    expect(page).toMatch(/^What is wrong with this machine\?\n=+\n/)
    for (const title of [
      'Wrong now',
      'Machine',
      'Incidents of the last 7 days',
      'Stops of this machine',
      'Watchkeeper',
    ])
      expect(page).toContain(`\n${title}`)
    expect(page).toContain('name not found: host-')
    expect(page).not.toMatch(/payroll|vault|corp|shop/i)
    const html = await test.fetch('/api/v1/health/diagnosis')
    expect(html.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(await html.text()).toContain('<!doctype html>')
    expect((await test.fetch('/api/v1/health/diagnosis?format=pdf')).status).toBe(400)
    expect((await test.fetch('/api/v1/health/diagnosis', { key: null })).status).toBe(401)
  })
})
