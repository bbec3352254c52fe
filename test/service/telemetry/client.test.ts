import http from 'node:http'
import { existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { machineFields } from '../../../electron/service/telemetry/client/machine.ts'
import { sendable } from '../../../electron/service/telemetry/client/payloads.ts'
import { coredumpPayload } from '../../../electron/service/telemetry/client/sources/coredump.ts'
import { findOopses } from '../../../electron/service/telemetry/client/sources/oops.ts'
import {
  folderSource,
  type Found,
  type Source,
} from '../../../electron/service/telemetry/client/sources/index.ts'
import {
  ipsPayload,
  minidumpPayload,
  werPayload,
} from '../../../electron/service/telemetry/client/sources/reports.ts'
import { spoolRules } from '../../../electron/service/telemetry/client/spool.ts'
import { sideFiles } from '../../../electron/service/store/location.ts'
import type { ClientState } from '../../../electron/shared/api/telemetry.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { startTestService, type TestService } from '../../support/service.ts'

interface Sent {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly path: string
}

/** A collector of somebody else; it answers with the status it is told. */
async function otherCollector(): Promise<{ url: string; sent: Sent[]; status: number }> {
  const sent: Sent[] = []
  const other = { url: '', sent, status: 201 }
  const server = http.createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      const headers = Object.fromEntries(
        request.rawHeaders.flatMap((name, index) =>
          index % 2 === 0 ? [[name, request.rawHeaders[index + 1] ?? '']] : [],
        ),
      )
      sent.push({ headers, body, path: request.url ?? '' })
      response.writeHead(other.status).end('{"message":"no"}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  other.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return other
}

const crash: Found = {
  classification: 'org.watchkeeper/crash/test',
  severity: 3,
  payload: 'Process: x\n\n#0 f() - [app]\n',
  atMs: 0,
}

/** A source that hands out what a test puts in. */
function testSource(waiting: Found[]): Source & { looks: number } {
  const source = {
    source: 'app-dumps' as const,
    text: 'test',
    everyMs: 1,
    looks: 0,
    offered: () => true,
    look: () => {
      source.looks += 1
      return Promise.resolve({ found: waiting.splice(0), cursor: String(source.looks) })
    },
  }
  return source
}

async function withClient(waiting: Found[], clock = fakeClock()) {
  const source = testSource(waiting)
  const test = await startTestService({ clock, telemetry: { client: { sources: [source] } } })
  const { client } = test.service.telemetry
  const spool = sideFiles(test.service.database).telemetrySpool
  return { test, client, source, spool, clock }
}

const settings = (test: TestService, change: object): Promise<Response> =>
  test.fetch('/api/v1/telemetry/settings', {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ client: change }),
  })

describe('this machine as a client', () => {
  it('reads and keeps nothing before its user says yes, and forgets when it is no', async () => {
    const other = await otherCollector()
    const { test, client, source, spool } = await withClient([crash])
    await settings(test, { forward: { url: `${other.url}/v2/collector`, tid: 'theirs' }, review: false })
    await client.look()
    await client.deliver()
    expect(source.looks).toBe(0)
    expect(existsSync(spool)).toBe(false)
    expect((await test.service.telemetry.store().ask('summary', null)).records).toBe(0)
    await test.service.telemetry.consent(true)
    await client.look()
    expect((await test.service.telemetry.store().ask('summary', null)).records).toBe(1)
    expect(readdirSync(spool)).toHaveLength(1)
    if (process.platform !== 'win32') {
      expect(statSync(spool).mode & 0o777).toBe(0o700)
      expect(statSync(path.join(spool, readdirSync(spool)[0] ?? '')).mode & 0o777).toBe(0o600)
    }
    await test.service.telemetry.consent(false)
    expect(existsSync(spool)).toBe(false)
    expect(client.machines()).toEqual([])
    await client.deliver()
    expect(other.sent).toHaveLength(0)
  })

  it('sends only what was let go, in the words of real clients of both generations', async () => {
    const other = await otherCollector()
    const { test, client } = await withClient([crash, { ...crash, payload: 'second\n' }])
    await settings(test, { forward: { url: `${other.url}/v2/collector`, tid: 'theirs' } })
    await test.service.telemetry.consent(true)
    await client.look()
    await client.deliver()
    expect(other.sent).toHaveLength(0)
    const state = (await (await test.fetch('/api/v1/telemetry/client')).json()) as ClientState
    expect(state.spooled).toHaveLength(2)
    const first = state.spooled.find(({ payload }) => payload === crash.payload)
    expect(first?.fields).toMatchObject({
      classification: crash.classification,
      severity: '3',
      machine_id: state.machine,
    })
    expect(
      (await test.fetch(`/api/v1/telemetry/client/spool/${first?.id ?? ''}/approve`, { method: 'POST' }))
        .status,
    ).toBe(200)
    expect((await test.fetch('/api/v1/telemetry/client/spool/none/approve', { method: 'POST' })).status).toBe(
      404,
    )
    await client.deliver()
    expect(other.sent).toHaveLength(1)
    expect(other.sent[0]?.body).toBe(`${crash.payload}\n`)
    expect(other.sent[0]?.headers).toMatchObject({
      record_format_version: '4',
      classification: crash.classification,
      'X-Telemetry-TID': 'theirs',
      'Content-Type': 'application/text',
      machine_id: state.machine,
    })
    await settings(test, { forward: { url: `${other.url}/v3/collector`, tid: 'theirs' }, review: false })
    await client.deliver()
    const json = JSON.parse(other.sent[1]?.body ?? '') as Record<string, unknown>
    expect(Object.keys(json)).toEqual([
      'record_format_version',
      'classification',
      'severity',
      'machine_id',
      'creation_timestamp',
      'arch',
      'host_type',
      'build',
      'kernel_version',
      'payload_format_version',
      'system_name',
      'board_name',
      'cpu_model',
      'bios_version',
      'event_id',
      'payload',
    ])
    expect(Object.values(json).every((value) => typeof value === 'string')).toBe(true)
    expect(client.state()).toMatchObject({ sent: 2, spooled: [] })
  })

  it('is taken by our own collector without a retry', async () => {
    const target = await startTestService()
    const { test, client } = await withClient([crash])
    await settings(test, {
      forward: { url: `${target.service.origin}/v3/collector`, tid: target.service.telemetry.settings.tid },
      review: false,
    })
    await test.service.telemetry.consent(true)
    await client.look()
    await client.deliver()
    expect(client.state().spooled).toEqual([])
    expect((await target.service.telemetry.store().ask('summary', null)).crashes).toBe(1)
  })

  it('keeps what is not taken, waits five minutes, and lets go after twenty hours', async () => {
    const other = await otherCollector()
    other.status = 500
    const { test, client, clock } = await withClient([crash, crash])
    await settings(test, { forward: { url: other.url, tid: 'x' }, review: false })
    await test.service.telemetry.consent(true)
    await client.look()
    await client.deliver()
    // The first failure ends the delivery.
    expect(other.sent).toHaveLength(1)
    expect(client.state().forward?.state).toContain('it answered 500: no')
    expect(client.state().spooled).toHaveLength(2)
    clock.step(spoolRules.expiryMs + 1_000)
    await client.deliver()
    expect(client.state()).toMatchObject({ spooled: [], sent: 0, dropped: { expired: 2 } })
    expect(other.sent.length).toBeLessThanOrEqual(2)
  })

  it('puts aside what is refused, so that the others go on', async () => {
    const other = await otherCollector()
    other.status = 400
    const { test, client } = await withClient([crash, { ...crash, payload: 'second\n' }])
    await settings(test, { forward: { url: other.url, tid: 'x' }, review: false })
    await test.service.telemetry.consent(true)
    await client.look()
    await client.deliver()
    expect(other.sent).toHaveLength(2)
    expect(client.state().spooled.map(({ refused }) => refused)).toEqual([
      'it answered 400: no',
      'it answered 400: no',
    ])
    await client.deliver()
    expect(other.sent).toHaveLength(2)
  })

  it('stops at once when the answer becomes no, in the midst of looking and of sending', async () => {
    const waiting = Array.from({ length: 5 }, () => crash)
    const source = testSource([])
    const found = Promise.withResolvers<Found[]>()
    const sent: unknown[] = []
    const said = Promise.withResolvers<void>()
    const test = await startTestService({
      clock: fakeClock(),
      telemetry: {
        client: {
          sources: [{ ...source, look: async () => ({ found: await found.promise, cursor: 'x' }) }],
          send: async (record) => {
            sent.push(record)
            await said.promise
            return { kind: 'taken' }
          },
        },
      },
    })
    const { telemetry } = test.service
    await settings(test, { forward: { url: 'http://127.0.0.1:1', tid: 'x' }, review: false })
    await telemetry.consent(true)
    const looking = telemetry.client.look()
    await telemetry.consent(false)
    found.resolve(waiting)
    await looking
    expect((await telemetry.store().ask('summary', null)).records).toBe(0)
    expect(telemetry.client.state()).toMatchObject({ spooled: [], machine: null })
    await telemetry.consent(true)
    await telemetry.client.look()
    expect(telemetry.client.state().spooled).toHaveLength(5)
    const sending = telemetry.client.deliver()
    await new Promise((resolve) => setImmediate(resolve))
    await telemetry.consent(false)
    said.resolve()
    await sending
    expect(sent.length).toBeLessThanOrEqual(1)
  })

  it('keeps its limits in a flood, and says what it let go of', async () => {
    const flood = Array.from({ length: 1_500 }, (_, index) => ({
      ...crash,
      payload: `${index} ${'x'.repeat(8_100)}`,
    }))
    const { test, client, spool } = await withClient(flood)
    await settings(test, { forward: { url: 'http://127.0.0.1:1', tid: 'x' } })
    await test.service.telemetry.consent(true)
    await client.look()
    const { dropped, spooled } = client.state()
    const bytes = readdirSync(spool).reduce((sum, name) => sum + statSync(path.join(spool, name)).size, 0)
    expect(bytes).toBeLessThanOrEqual(spoolRules.mostBytes)
    expect(dropped.burst).toBe(500)
    expect(spooled.length + dropped.full).toBe(1_000)
    expect(dropped.full).toBeGreaterThan(100)
  }, 60_000)

  it('changes its id every three days', async () => {
    const waiting = [crash]
    const { test, client, clock } = await withClient(waiting)
    await test.service.telemetry.consent(true)
    await client.look()
    waiting.push(crash)
    await client.look()
    expect(client.machines()).toHaveLength(1)
    clock.step(3 * 86_400_000)
    waiting.push(crash)
    await client.look()
    expect(client.machines()).toHaveLength(2)
    expect(client.machines()[0]).toMatch(/^[0-9a-f]{32}$/)
  })
})

describe('what a machine tells of crashes', () => {
  it('reads systemd-coredump’s entries', () => {
    const payload = coredumpPayload({
      MESSAGE:
        'Process 8187 (crashme) of user 1000 dumped core.\n\nStack trace of thread 8187:\n#0  0x00007f3c raise (libc.so.6 + 0x3ad50)\n#1  0x0000558 n/a (crashme + 0x1136)\n#2  0x0000559 _ZN3foo3barEv (libfoo.so + 0x1)\nELF object binary architecture: AMD x86-64',
      COREDUMP_EXE: '/usr/bin/crashme',
      COREDUMP_PID: '8187',
      COREDUMP_SIGNAL: '11',
    })
    expect(payload).toBe(
      'Process: /usr/bin/crashme\nPID: 8187\nSignal: 11\n\nBacktrace (TID 8187):\n#0 raise() - [libc.so.6]\n#1 ??? - [crashme]\n#2 _ZN3foo3barEv() - [libfoo.so]\n',
    )
    expect(coredumpPayload({})).toBeNull()
  })

  it('finds faults in the kernel’s log', () => {
    const found = findOopses([
      'usb 1-1: new device',
      'BUG: unable to handle page fault for address: 0000000000001000',
      'CPU: 0 PID: 1 Comm: swapper Not tainted 6.18.44 #1',
      'RIP: 0010:bad_driver+0x12/0x40 [bad]',
      'Call Trace:',
      ' <TASK>',
      ' ? __die+0x20/0x70',
      ' do_one_initcall+0x50/0x300',
      ' </TASK>',
      '---[ end trace 0000000000000000 ]---',
      'WARNING: CPU: 1 PID: 2 at net/x.c:1 foo+0x1/0x2',
    ])
    expect(found.map(({ kind, severity, line }) => [kind, severity, line])).toEqual([
      ['bug', 4, 1],
      ['warning', 2, 10],
    ])
    const inModule = findOopses([
      'watchdog: BUG: soft lockup - CPU#0 stuck for 22s!',
      'RIP: 0010:nv_func+0x12/0x40 [nvidia]',
      'WARNING: Spectre v2 mitigation leaves CPU vulnerable',
      'BUG: kernel NULL pointer dereference',
    ])
    expect(inModule.map(({ kind }) => kind)).toEqual(['bug', 'bug'])
    expect(inModule[0]?.payload).toContain('#1 nv_func - [nvidia]')
    expect(found[0]?.payload).toBe(
      'Crash Report:\nReason: BUG: unable to handle page fault for address: 0000000000001000\nKernel Version : 6.18.44\nBacktrace :\n#1 bad_driver - [bad]\n#2 ? __die - [kernel]\n#3 do_one_initcall - [kernel]\n',
    )
  })

  it('reads reports of macOS, Windows and Crashpad, and none that are damaged', () => {
    const ips = `{"app_name":"Notes"}\n${JSON.stringify({
      procName: 'Notes',
      pid: 42,
      exception: { type: 'EXC_CRASH', signal: 'SIGABRT' },
      faultingThread: 1,
      threads: [
        { frames: [] },
        {
          frames: [
            { imageIndex: 0, symbol: 'abort' },
            { imageIndex: 1, imageOffset: 4096 },
          ],
        },
      ],
      usedImages: [{ name: 'libsystem_c.dylib' }, { path: '/Applications/Notes.app/Notes' }],
    })}`
    expect(ipsPayload(ips)).toBe(
      'Process: Notes\nPID: 42\nSignal: SIGABRT\nException: EXC_CRASH\n\nBacktrace (TID 42):\n#0 abort - [libsystem_c.dylib]\n#1 +0x1000 - [Notes]\n',
    )
    for (const damaged of [
      '',
      '{}',
      '{}\n{',
      '{}\n[]',
      '{}\n{"threads":[{"frames":[{}]}]}',
      '{}\n{"threads":[null]}',
    ])
      expect(() => ipsPayload(damaged), damaged).not.toThrow()
    const wer = [
      'Version=1',
      'EventType=APPCRASH',
      'Sig[0].Name=Application Name',
      'Sig[0].Value=app.exe',
      'Sig[3].Name=Fault Module Name',
      'Sig[3].Value=NTDLL.dll',
      'Sig[6].Name=Exception Code',
      'Sig[6].Value=c0000005',
      'Sig[7].Name=Exception Offset',
      'Sig[7].Value=000000000001a2b3',
      'AppPath=C:\\app.exe',
    ].join('\r\n')
    const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(wer, 'utf16le')])
    expect(werPayload(utf16)).toContain('#0 +0x1a2b3 - [ntdll.dll]')
    expect(werPayload(Buffer.from('EventType=WindowsUpdate'))).toBeNull()
    const clr = [
      'EventType=CLR20r3',
      'Sig[0].Value=shop.exe',
      'Sig[3].Value=Shop.Core',
      'Sig[6].Value=2a',
      'Sig[7].Value=1c',
      'Sig[8].Value=System.NullReferenceException',
    ]
    expect(werPayload(Buffer.from(clr.join('\n')))).toContain('#0 method 2a +0x1c - [shop.core]')
    const dump = minidump()
    expect(minidumpPayload(dump)).toBe('Process: app.exe\nException: 0xc0000005\n\n#0 +0x1234 - [app.exe]\n')
    for (let length = 0; length < dump.length; length += 7)
      expect(() => minidumpPayload(dump.subarray(0, length))).not.toThrow()
    expect(minidumpPayload(Buffer.alloc(200, 0xff))).toBeNull()
  })

  it('finds new files in a folder, once', async () => {
    const { temporaryFolder } = await import('../../support/temporary.ts')
    const folder = temporaryFolder()
    const source = folderSource('app-dumps', 'x', [folder, path.join(folder, 'missing')], true, {
      pattern: /\.dmp$/,
      classification: 'a/b/c',
      read: (bytes) => bytes.toString() || null,
    })
    const at = (name: string, text: string, seconds: number): void => {
      mkdirSync(path.join(folder, 'deep'), { recursive: true })
      writeFileSync(path.join(folder, name), text)
      utimesSync(path.join(folder, name), seconds, seconds)
    }
    at('old.dmp', 'old', 500)
    at('deep/new.dmp', 'new', 2_000)
    at('other.txt', 'no', 2_000)
    at('ahead.dmp', 'ahead', 4_000_000_000)
    const first = await source.look(null, 1_000_000)
    expect(first.found.map(({ payload }) => payload).sort()).toEqual(['ahead', 'new'])
    expect((await source.look(first.cursor, 1_000_000)).found).toEqual([])
    at('newer.dmp', 'newer', 3_000)
    expect((await source.look(first.cursor, 1_000_000)).found.map(({ payload }) => payload)).toEqual([
      'newer',
    ])
  })

  it('says of itself what the original does, on any system', () => {
    const files: Readonly<Record<string, string>> = {
      '/etc/os-release': 'ID=debian\nVERSION_ID="12"\n',
      '/sys/class/dmi/id/sys_vendor': 'Acme\n',
      '/sys/class/dmi/id/product_name': '   \n',
      '/sys/class/dmi/id/bios_version': '1.2é\n',
    }
    const read = (file: string): string | null => files[file] ?? null
    expect(
      machineFields({ platform: 'linux', arch: 'x64', release: '6.18.44-fc', cpu: 'AMD EPYC', read }),
    ).toEqual({
      arch: 'x86_64',
      hostType: 'Acme|blank|no_pvr_file',
      kernel: '6.18.44-fc',
      board: 'no_bn_file|no_bv_file',
      cpu: 'AMD EPYC',
      bios: '1.2',
      system: 'debian',
      build: '12',
    })
    expect(
      machineFields({ platform: 'win32', arch: 'arm64', release: '10.0.26100', cpu: '', read: () => null }),
    ).toMatchObject({
      arch: 'aarch64',
      system: 'windows',
      build: '10.0.26100',
      cpu: 'blank',
    })
    expect(sendable('/home/ann/x é \u0000', '/home/ann')).toBe('~/x ? ?')
    expect(sendable('x'.repeat(9_000), '')).toHaveLength(8_192)
  })
})

/** A minidump with one module and an exception in it. */
function minidump(): Buffer {
  const bytes = Buffer.alloc(600)
  bytes.write('MDMP', 0, 'latin1')
  bytes.writeUInt32LE(2, 8)
  bytes.writeUInt32LE(32, 12)
  bytes.writeUInt32LE(6, 32)
  bytes.writeUInt32LE(80, 40)
  bytes.writeUInt32LE(4, 44)
  bytes.writeUInt32LE(300, 52)
  bytes.writeUInt32LE(0xc0000005, 88)
  bytes.writeBigUInt64LE(0x140001234n, 104)
  bytes.writeUInt32LE(1, 300)
  bytes.writeBigUInt64LE(0x140000000n, 304)
  bytes.writeUInt32LE(0x10000, 312)
  bytes.writeUInt32LE(450, 324)
  const name = Buffer.from('C:\\dir\\app.exe', 'utf16le')
  bytes.writeUInt32LE(name.length, 450)
  name.copy(bytes, 454)
  return bytes
}
