import { createSocket } from 'node:dgram'
import { createServer, type AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createResolver, type Lookup } from '../../../../electron/service/hosts/probes/resolver.ts'
import { textsOf } from '../../../../electron/service/hosts/probes/dns.ts'
import { fakeClock } from '../../../support/fake-clock.ts'
import { probeTools, sampleFrom } from '../../../support/probe-tools.ts'

describe('a TCP connection', () => {
  it('is taken, refused, or not to be had', async () => {
    const server = createServer((socket) => socket.on('error', () => undefined))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    expect(await sampleFrom('127.0.0.1', { kind: 'tcp', port })).toMatchObject({
      outcome: 'ok',
      address: '127.0.0.1',
    })
    expect((await sampleFrom('127.0.0.1', { kind: 'tcp', port: 9 })).cause).toEqual({
      kind: 'refused',
      text: 'connection refused',
    })
    expect((await sampleFrom('127.0.0.1', { kind: 'tcp', port, family: '6' })).cause?.text).toBe(
      'it is not an IPv6 address',
    )
  })
})

/** A name server that answers every question for `A` with one address, or with a code. */
async function nameServer(code: number, address?: string): Promise<string> {
  const socket = createSocket('udp4')
  socket.on('message', (query, { port, address: from }) => {
    const end = query.indexOf(0, 12) + 5
    const header = Buffer.from(query.subarray(0, 12))
    header.writeUInt16BE(0x8180 | code, 2)
    header.writeUInt16BE(address === undefined ? 0 : 1, 6)
    header.writeUInt32BE(0, 8)
    const answer =
      address === undefined
        ? Buffer.alloc(0)
        : Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address.split('.').map(Number)])
    socket.send(Buffer.concat([header, query.subarray(12, end), answer]), port, from)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  onTestFinished(() => void socket.close())
  return `127.0.0.1:${socket.address().port}`
}

describe('a DNS record', () => {
  it('is there, is another, or is missing', async () => {
    const server = await nameServer(0, '10.9.8.7')
    const probe = { kind: 'dns', record: 'A', server } as const
    expect(await sampleFrom('nas.lan', { ...probe, expect: '10.9.8.7' })).toMatchObject({ outcome: 'ok' })
    expect((await sampleFrom('nas.lan', { ...probe, expect: '10.0.0.1' })).cause).toEqual({
      kind: 'answer',
      text: 'answered 10.9.8.7, not 10.0.0.1',
    })
    const unknown = await nameServer(3)
    expect((await sampleFrom('nas.lan', { ...probe, server: unknown })).cause?.kind).toBe('name-not-found')
    const broken = await nameServer(2)
    expect((await sampleFrom('nas.lan', { ...probe, server: broken })).cause?.text).toBe(
      'the name server failed (SERVFAIL)',
    )
  })

  it('of a server that is silent ends with its time', async () => {
    const socket = createSocket('udp4')
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
    onTestFinished(() => void socket.close())
    const server = `127.0.0.1:${socket.address().port}`
    const sample = await sampleFrom('nas.lan', { kind: 'dns', record: 'A', server, timeoutMs: 300 })
    expect(sample.cause).toEqual({ kind: 'timeout', text: 'the name server does not answer' })
  })

  it('is written as zone files have it', () => {
    expect(textsOf([{ priority: 10, exchange: 'mx.example.org' }])).toEqual(['10 mx.example.org'])
    expect(textsOf([['v=spf1 ', '-all']])).toEqual(['v=spf1 -all'])
    expect(textsOf(['10.0.0.1'])).toEqual(['10.0.0.1'])
  })
})

describe('an ICMP echo', () => {
  it('comes back from this machine, with several in a sample', async () => {
    const tools = probeTools()
    const { way } = await tools.pinger.way(4)
    if (way === 'none') {
      process.stdout.write('skipped: an ICMP echo to this machine, since there is no way to send one\n')
      return
    }
    const sample = await sampleFrom('127.0.0.1', { kind: 'icmp', packets: 3 }, tools)
    expect(sample).toMatchObject({ outcome: 'ok', answeredFrom: null })
    expect(sample.points).toHaveLength(3)
    expect(new Set(sample.points.map(({ atMs }) => atMs)).size).toBe(3)
    await tools.pinger.stop()
  })
})

describe('names', () => {
  const failure = (code: string): NodeJS.ErrnoException => Object.assign(new Error(code), { code })

  it('are asked for once a minute, beside, and waited for only when what was known does not answer', () => {
    const clock = fakeClock()
    let asked = 0
    const resolver = createResolver(clock, (_name, _options, done) => {
      asked += 1
      done(null, `10.0.0.${asked}`)
    })
    const found: unknown[] = []
    const ask = (): void => resolver.find('nas.lan', 'any', (one) => found.push(one))
    ask()
    ask()
    clock.advance(61_000)
    ask()
    resolver.forget('NAS.lan')
    ask()
    expect(found).toEqual(['10.0.0.1', '10.0.0.1', '10.0.0.1', '10.0.0.3'].map((address) => ({ address })))
  })

  it('that stop resolving fail with that for a cause, and resolve again when they do', async () => {
    let isKnown = true
    const lookup: Lookup = (_name, _options, done) =>
      isKnown ? done(null, '127.0.0.1') : done(failure('ENOTFOUND'), '')
    const tools = probeTools(lookup)
    expect(await sampleFrom('nas.lan', { kind: 'tcp', port: 9 }, tools)).toMatchObject({
      cause: { kind: 'refused' },
    })
    isKnown = false
    expect((await sampleFrom('nas.lan', { kind: 'icmp' }, tools)).cause).toEqual({
      kind: 'name-not-found',
      text: 'name not found: nas.lan',
    })
    isKnown = true
    expect(await sampleFrom('nas.lan', { kind: 'tcp', port: 9 }, tools)).toMatchObject({
      cause: { kind: 'refused' },
    })
  })

  it('whose servers do not answer end after five seconds, and hold up no address', () => {
    const clock = fakeClock()
    const resolver = createResolver(clock, () => undefined)
    const found: unknown[] = []
    for (const name of ['a.lan', 'b.lan', 'c.lan']) resolver.find(name, 'any', (one) => found.push(one))
    resolver.find('10.0.0.1', 'any', (one) => found.push(one))
    expect(found).toEqual([{ address: '10.0.0.1' }])
    clock.advance(5_000)
    expect(found).toHaveLength(4)
    expect(found[1]).toEqual({ cause: { kind: 'name-timeout', text: 'the name servers do not answer' } })
  })
})
