import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  daysLeft,
  isAccepted,
  jsonPathProblem,
  problemOfAnswer,
  thresholdOf,
} from '../../../../electron/service/hosts/probes/http-rules.ts'
import { sampleFrom } from '../../../support/probe-tools.ts'
import { temporaryFolder } from '../../../support/temporary.ts'

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    if ('closeAllConnections' in server) (server as { closeAllConnections(): void }).closeAllConnections()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

const served = async (listener: RequestListener): Promise<string> =>
  `http://${await listening(createServer(listener))}`

/** Makes a certificate that is good for so many days, for 127.0.0.1. */
function certificate(days: number): { key: Buffer; cert: Buffer } {
  const folder = temporaryFolder()
  const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')]
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-keyout',
      key,
      '-out',
      cert,
      '-days',
      String(days),
      '-subj',
      '/CN=fixture',
      '-addext',
      'subjectAltName=IP:127.0.0.1',
    ],
    { stdio: 'ignore' },
  )
  return { key: readFileSync(key), cert: readFileSync(cert) }
}

describe('a web request', () => {
  it.each<[string, RequestListener, object, string | null]>([
    ['is good with 200', (_q, r) => r.end('fine'), {}, null],
    ['is bad with 503', (_q, r) => r.writeHead(503).end(), {}, 'status 503'],
    [
      'is good with a status that is accepted',
      (_q, r) => r.writeHead(401).end(),
      { status: '200-299, 401' },
      null,
    ],
    ['finds its keyword', (_q, r) => r.end('all is Well'), { keyword: 'Well' }, null],
    [
      'misses its keyword',
      (_q, r) => r.end('all is lost'),
      { keyword: 'Well' },
      'the text “Well” is missing',
    ],
    [
      'sees what must not be there',
      (_q, r) => r.end('Error!'),
      { keyword: 'Error', keywordAbsent: true },
      'the text “Error” is there',
    ],
    [
      'selects by JSON path',
      (_q, r) => r.end('{"a":{"b":[{"ok":true}]}}'),
      { jsonPath: '$.a.b[0].ok', jsonValue: 'true' },
      null,
    ],
    [
      'sees another value',
      (_q, r) => r.end('{"s":"bad"}'),
      { jsonPath: '$.s', jsonValue: 'ok' },
      '$.s is bad, not ok',
    ],
    ['sees nothing there', (_q, r) => r.end('{}'), { jsonPath: '$.s' }, 'the JSON has nothing at $.s'],
    ['sees what is no JSON', (_q, r) => r.end('<html>'), { jsonPath: '$.s' }, 'the answer is not JSON'],
    ['sees a broken connection', (q) => q.socket.destroy(), {}, 'connection reset'],
    ['takes no body for HEAD', (_q, r) => r.end(), { method: 'HEAD' }, null],
    ['takes 204 without a body', (_q, r) => r.writeHead(204).end(), {}, null],
  ])('%s', async (_name, listener, settings, wanted) => {
    const url = await served(listener)
    const sample = await sampleFrom('fixture', { kind: 'http', url: `${url}/`, ...settings })
    expect(sample.cause?.text ?? null).toBe(wanted)
    expect(sample.outcome).toBe(wanted === null ? 'ok' : 'failed')
    expect(sample.address).toBe('127.0.0.1')
  })

  it('follows redirects to their end, and no farther than it may', async () => {
    const url = await served((request, response) => {
      const count = Number(request.url?.slice(1) ?? 0)
      if (count > 0) response.writeHead(302, { location: `/${count - 1}` }).end('moved')
      else response.end('arrived')
    })
    expect(await sampleFrom('x', { kind: 'http', url: `${url}/3`, keyword: 'arrived' })).toMatchObject({
      outcome: 'ok',
    })
    const cause = (await sampleFrom('x', { kind: 'http', url: `${url}/9` })).cause
    expect(cause).toEqual({ kind: 'status', text: 'more than 5 redirects' })
    expect(
      await sampleFrom('x', { kind: 'http', url: `${url}/1`, redirects: 0, status: '302' }),
    ).toMatchObject({ outcome: 'ok' })
  })

  it('takes to another server neither its secrets nor its body, and after a POST goes on with GET', async () => {
    const seen: { method: string | undefined; secret: string | undefined; body: string }[] = []
    const record: RequestListener = (request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        seen.push({ method: request.method, secret: request.headers.authorization, body })
        response.end('fine')
      })
    }
    const other = await served(record)
    const first = await served((request, response) => {
      request.resume()
      request.on('end', () => response.writeHead(303, { location: `${other}/` }).end())
    })
    const probe = {
      kind: 'http',
      url: `${first}/`,
      method: 'POST',
      body: 'hello',
      headers: { Authorization: 'x' },
    } as const
    expect(await sampleFrom('x', probe)).toMatchObject({ outcome: 'ok' })
    expect(seen).toEqual([{ method: 'GET', secret: undefined, body: '' }])
    await sampleFrom('x', { ...probe, url: `${other}/`, method: 'GET' })
    expect(seen[1]).toEqual({ method: 'GET', secret: 'x', body: 'hello' })
  })

  it('of a domain that makes no address, and of JSON nested beyond measure, fails without harm', async () => {
    expect(await sampleFrom('foo.1', { kind: 'http' })).toMatchObject({
      outcome: 'failed',
      cause: { kind: 'error' },
    })
    const url = await served((_request, response) => response.end('['.repeat(200_000) + ']'.repeat(200_000)))
    const sample = await sampleFrom('x', { kind: 'http', url, jsonPath: '$', jsonValue: 'x' })
    expect(sample).toMatchObject({ outcome: 'failed', cause: { kind: 'content' } })
  })

  it('gives up a server that drips bytes, when its time is over', async () => {
    const url = await served((_request, response) => {
      const timer = setInterval(() => response.write('.'), 20)
      response.on('close', () => clearInterval(timer))
    })
    const began = performance.now()
    const sample = await sampleFrom('x', { kind: 'http', url, timeoutMs: 300 })
    expect(sample.cause).toEqual({ kind: 'timeout', text: 'no complete answer within 0.3 s' })
    expect(performance.now() - began).toBeLessThan(3_000)
  })

  it('reads no more than it needs of an endless body', async () => {
    const url = await served((_request, response) => {
      const chunk = Buffer.alloc(65_536, 'a')
      const pump = (): void => {
        while (response.writable && response.write(chunk));
        if (response.writable) response.once('drain', pump)
      }
      pump()
    })
    expect(await sampleFrom('x', { kind: 'http', url, keyword: 'aaaa' })).toMatchObject({ outcome: 'ok' })
  })

  it('survives a server that talks nonsense, closes at once, or is not there', async () => {
    const nonsense = await listening(createTcpServer((socket) => socket.end('this is not HTTP\r\n\r\n')))
    const closing = await listening(createTcpServer((socket) => socket.destroy()))
    for (const [address, kinds] of [
      [nonsense, ['error']],
      [closing, ['reset', 'error']],
      ['127.0.0.1:9', ['refused']],
    ] as const) {
      const sample = await sampleFrom('x', { kind: 'http', url: `http://${address}/` })
      expect(sample.outcome).toBe('failed')
      expect(kinds as readonly string[]).toContain(sample.cause?.kind)
    }
  })

  it('tells of a name that is not known', async () => {
    const sample = await sampleFrom('nosuch.invalid', { kind: 'http' })
    expect(['name-not-found', 'name-timeout']).toContain(sample.cause?.kind)
  })
})

const hasOpenssl = spawnSync('openssl', ['version']).status === 0
if (!hasOpenssl) process.stdout.write('skipped: probes of certificates, since openssl is not installed\n')

describe.skipIf(!hasOpenssl)('a certificate', () => {
  const start = async (): Promise<string> => {
    const server = createSecureServer(certificate(6), (_request, response) => response.end('fine'))
    server.on('tlsClientError', () => undefined)
    return `https://${await listening(server)}/`
  }

  it('that nobody vouches for fails, unless that is accepted, and is shown with its expiry', async () => {
    const url = await start()
    expect((await sampleFrom('x', { kind: 'http', url })).cause).toEqual({
      kind: 'certificate',
      text: 'its certificate is self-signed',
    })
    const sample = await sampleFrom('x', { kind: 'http', url, verifyCertificate: false })
    expect(sample.outcome).toBe('ok')
    expect(sample.certificate).toMatchObject({ subject: 'fixture', issuer: 'fixture' })
    expect(daysLeft({ expiresMs: sample.certificate?.expiresMs ?? 0 }, sample.atMs)).toBe(5)
  })
})

describe('what is good', () => {
  it('reads lists of status', () => {
    expect(isAccepted(204, '200-299')).toBe(true)
    expect(isAccepted(300, '200-299')).toBe(false)
    expect(isAccepted(418, '200, 418')).toBe(true)
  })

  it('tells of a certificate once at each threshold', () => {
    expect(thresholdOf(30, [21, 7, 3, 1])).toBeNull()
    expect(thresholdOf(20, [21, 7, 3, 1])).toBe(21)
    expect(thresholdOf(6, [21, 7, 3, 1])).toBe(7)
    expect(thresholdOf(-3, [21, 7, 3, 1])).toBe(1)
  })

  it('knows JSON paths from nonsense', () => {
    expect(jsonPathProblem('$.a[?@.b > 3].c')).toBeNull()
    expect(jsonPathProblem('$.a[')).not.toBeNull()
    expect(problemOfAnswer({ kind: 'http', jsonPath: '$.n', jsonValue: '3' }, 200, '{"n":3}')).toBeNull()
  })
})
