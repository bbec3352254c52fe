import { chmodSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  ensureKey,
  failureLimiter,
  allows,
  createKeyring,
  hashOfKey,
  keyOfHeaders,
  readKey,
} from '../../../electron/service/http/access.ts'
import { isForeign } from '../../../electron/service/http/headers.ts'
import { hostChecker, isLoopback, originOf, parseListen } from '../../../electron/service/http/listen.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { temporaryFolder } from '../../support/temporary.ts'

describe('the access key', () => {
  it('is made once, for its owner alone, and closed again when it was opened', () => {
    const file = path.join(temporaryFolder(), 'key')
    const key = ensureKey(file)
    expect(key).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    chmodSync(file, 0o644)
    expect(ensureKey(file)).toBe(key)
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })
  it('is made anew when the file holds none', () => {
    const file = path.join(temporaryFolder(), 'key')
    writeFileSync(file, 'short')
    expect(readKey(file)).toBeNull()
    expect(ensureKey(file)).toBe(readKey(file))
  })
  it('is found in either header', () => {
    expect(keyOfHeaders({ authorization: 'Bearer abc' })).toBe('abc')
    expect(keyOfHeaders({ 'x-api-key': 'abc' })).toBe('abc')
    expect(keyOfHeaders({ authorization: 'Basic abc' })).toBeNull()
    expect(keyOfHeaders({})).toBeNull()
  })
  it('is right only when it is the same', () => {
    const { scopeOf } = createKeyring('secret', () => null)
    expect(['secret', 'Secret', '', 'secret '].map(scopeOf)).toEqual(['write', null, null, null])
  })
  it('made later is known by its hash, with what it allows', () => {
    const { scopeOf } = createKeyring('secret', (hash) => (hash === hashOfKey('other') ? 'read' : null))
    expect(['other', 'another'].map(scopeOf)).toEqual(['read', null])
    expect([allows('read', 'read'), allows('read', 'write'), allows('trigger', 'read')]).toEqual([
      true,
      false,
      false,
    ])
    expect([allows('write', 'read'), allows('write', 'trigger')]).toEqual([true, true])
  })
  it('may be guessed wrongly only so often in a minute', () => {
    const clock = fakeClock()
    const limiter = failureLimiter(clock)
    for (let index = 0; index < 20; index += 1) limiter.note('a')
    expect([limiter.isBlocked('a'), limiter.isBlocked('b')]).toEqual([true, false])
    clock.advance(60_001)
    expect(limiter.isBlocked('a')).toBe(false)
  })
})

describe('--listen', () => {
  it.each([
    ['127.0.0.1:8737', '127.0.0.1', 8737],
    ['0.0.0.0', '0.0.0.0', 8737],
    ['9000', '127.0.0.1', 9000],
    [':9000', '127.0.0.1', 9000],
    ['[::1]:0', '::1', 0],
    ['nas.local:80', 'nas.local', 80],
  ])('reads %s', (text, host, port) => {
    expect(parseListen(text)).toEqual({ host, port })
  })
  it.each(['', ':', 'host:99999', '[nonsense]:1', 'a b', '::1', 'http://x:1'])('refuses %j', (text) => {
    expect(parseListen(text)).toBeNull()
  })
  it('knows loopback, and how a browser here gets there', () => {
    expect(['127.0.0.1', '127.9.9.9', '::1', 'localhost', '0.0.0.0', '192.168.1.2'].map(isLoopback)).toEqual([
      true,
      true,
      true,
      true,
      false,
      false,
    ])
    expect(originOf({ host: '::', port: 1 })).toBe('http://[::1]:1')
    expect(originOf({ host: '0.0.0.0', port: 1 })).toBe('http://127.0.0.1:1')
  })
})

describe('the Host header', () => {
  const local = hostChecker({ host: '127.0.0.1', port: 8737 }, ['watch.example'])
  const open = hostChecker({ host: '0.0.0.0', port: 8737 }, [])
  it.each(['127.0.0.1:8737', 'localhost:8737', 'LOCALHOST', '[::1]:8737', 'watch.example'])(
    'may be %s',
    (host) => {
      expect(local(host)).toBe(true)
    },
  )
  it.each([
    'evil.example',
    'evil.example:8737',
    '192.168.1.5:8737',
    '',
    undefined,
    '127.0.0.1:8737:1',
    'a/b',
  ])('may not be %s', (host) => {
    expect(local(host)).toBe(false)
  })
  it('may be any address, but no foreign name, when listening everywhere', () => {
    expect([open('192.168.1.5:8737'), open('[fd00::1]'), open('evil.example')]).toEqual([true, true, false])
  })
})

describe('requests from other sites', () => {
  const isOurs = hostChecker({ host: '127.0.0.1', port: 8737 }, [])
  it.each([
    ['none that says so', { host: '127.0.0.1:8737' }, false],
    [
      'our own page',
      { host: '127.0.0.1:8737', origin: 'http://127.0.0.1:8737', 'sec-fetch-site': 'same-origin' },
      false,
    ],
    ['a typed address', { host: '127.0.0.1:8737', 'sec-fetch-site': 'none' }, false],
    ['another site', { host: '127.0.0.1:8737', 'sec-fetch-site': 'cross-site' }, true],
    ['another port of this machine', { host: '127.0.0.1:8737', origin: 'http://127.0.0.1:3000' }, true],
    ['another origin', { host: '127.0.0.1:8737', origin: 'https://evil.example' }, true],
    ['a sandboxed frame', { host: '127.0.0.1:8737', origin: 'null' }, true],
  ])('%s', (_name, headers, expected) => {
    expect(isForeign(headers as unknown as Record<string, string>, isOurs)).toBe(expected)
  })
})
