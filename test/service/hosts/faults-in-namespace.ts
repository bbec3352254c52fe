// Runs inside a private network: the real command watches hosts on a network that fails in known ways; prints what it made of it.
import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { makeFarNetwork } from '../../support/far-network.ts'

const [command = '', database = ''] = process.argv.slice(2)
const network = makeFarNetwork()
const told: string[] = []
const receiver = createServer((request, response) => {
  let body = ''
  request.on('data', (chunk: Buffer) => (body += chunk.toString()))
  request.on('end', () => {
    told.push((JSON.parse(body) as { msg: string }).msg)
    response.end()
  })
})
await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))

const child = spawn(
  process.execPath,
  [command, 'serve', '--no-auth', '-d', database, '--listen', '127.0.0.1:0'],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
  },
)
const origin = await new Promise<string>((resolve) =>
  createInterface({ input: child.stdout }).on('line', (line) => {
    const found = /Open (http:\S+?)\/?$/.exec(line)?.[1]
    if (found !== undefined) resolve(found)
  }),
)
async function api<T>(method: string, route: string, body?: unknown): Promise<T> {
  const response = await fetch(`${origin}${route}`, {
    method,
    ...(body !== undefined && {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${route}: ${text}`)
  return JSON.parse(text === '' ? 'null' : text) as T
}
interface Row {
  readonly domain: string
  readonly name: string
  readonly state: string
}
const hosts = async (): Promise<Row[]> =>
  (await api<{ hosts: Row[] }>('GET', '/api/v1/hosts?limit=1000')).hosts
const stateOf = async (name: string): Promise<string> =>
  (await hosts()).find((one) => one.name === name)?.state ?? 'gone'
async function until(what: string, isSo: () => Promise<boolean> | boolean, mostMs = 90_000): Promise<void> {
  const endMs = performance.now() + mostMs
  while (!(await isSo())) {
    if (performance.now() > endMs)
      throw new Error(`it did not come to this: ${what}; ${JSON.stringify({ told, hosts: await hosts() })}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
const startedMs = performance.now()

const second = { interval: 1_000, failures: 3 }
const host = (domain: string, name: string, more: object = {}) => ({
  domain,
  name,
  intervalMs: second.interval,
  failures: second.failures,
  probes: [{ kind: 'icmp', timeoutMs: 800 }],
  ...more,
})
network.fates.set('198.51.100.20', { losesOneIn: 5 })
network.fates.set('198.51.100.21', { delayMs: 400 })
network.fates.set('198.51.100.22', { from: '198.51.100.99' })
network.fates.set('198.51.100.23', { copies: 3, junk: true })
const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1)
await api('POST', '/api/v1/channels', {
  kind: 'webhook',
  name: 'receiver',
  settings: { url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/` },
})
await api('PUT', '/api/v1/hosts/config', {
  anchors: ['198.51.100.1'],
  hosts: [
    ...range(50).map((index) => host(`203.0.113.${index}`, `far ${index}`)),
    host('198.51.100.20', 'lossy', {
      probes: [{ kind: 'icmp', packets: 5, timeoutMs: 800, degradedLoss: 10 }],
    }),
    host('198.51.100.21', 'slow', { probes: [{ kind: 'icmp', timeoutMs: 800, degradedMs: 300 }] }),
    host('198.51.100.22', 'elsewhere'),
    host('198.51.100.23', 'noisy'),
    host('198.51.100.30', 'behind a cut link'),
    host('192.0.2.50', 'router'),
    ...range(30).map((index) => host(`100.64.0.${index}`, `child ${index}`, { parent: '192.0.2.50' })),
  ],
})
await until('everybody is seen', async () =>
  (await hosts()).every(({ state }) => state === 'up' || state === 'degraded'),
)

network.isCut = (address) => address === '198.51.100.30'
await until('the cut link is noticed', async () => (await stateOf('behind a cut link')) === 'down')
await until(
  'slow and lossy are noticed',
  async () => (await stateOf('slow')) === 'degraded' && (await stateOf('lossy')) === 'degraded',
)
network.isCut = () => false
await until('the link is back', async () => (await stateOf('behind a cut link')) === 'up')

const isFamily = (address: string): boolean => address === '192.0.2.50' || address.startsWith('100.64.')
network.isCut = isFamily
await until('router and children are down', async () => {
  const rows = await hosts()
  return rows.filter(({ domain, state }) => isFamily(domain) && state === 'down').length === 31
})
await until('that is told', () => told.some((text) => text.includes('router')))
network.isCut = () => false
await until('they are back', async () => (await hosts()).every(({ state }) => state !== 'down'))
await until('that is told, too', () => told.some((text) => text.includes('router (192.0.2.50) is up again')))

// In its first minute the machine would not speak of its own connection.
await until('the first minute is over', () => performance.now() - startedMs > 61_000)
const beforeCut = told.length
network.isCut = (address) => !address.startsWith('192.0.2.')
await until('the far hosts are unobserved', async () => (await stateOf('far 7')) === 'unobserved')
await until('that is told', () => told.length > beforeCut)
await new Promise((resolve) => setTimeout(resolve, 12_000))
const whileCut = told.slice(beforeCut)
network.isCut = () => false
await until('they are seen again', async () => (await stateOf('far 7')) === 'up')
await until('that is told', () => told.length > beforeCut + whileCut.length)
await until('everybody is back', async () =>
  (await hosts()).every(({ state }) => state === 'up' || state === 'degraded'),
)

const farIncidents = await Promise.all(
  range(50).map((index) => api<unknown[]>('GET', `/status/service/203.0.113.${index}/incidents`)),
)
const figures = await Promise.all(
  range(50).map(async (index) => {
    const { figures: one } = await api<{
      figures: { uptime: number; parts: { unobserved: number; down: number } }
    }>('GET', `/api/v1/hosts/203.0.113.${index}/history?last=5m`)
    return one
  }),
)
const lossy = await api<{ latency: { count: number; lost: number } }>(
  'GET',
  '/api/v1/hosts/lossy/history?last=1h',
)
const incidentsOf = async (domain: string): Promise<{ up_detection: string | null; description: string }[]> =>
  api('GET', `/status/service/${domain}/incidents`)
const details = async (
  name: string,
): Promise<{ probeStates: { answeredFrom: string | null }[]; state: string }> =>
  api('GET', `/api/v1/hosts/${encodeURIComponent(name)}`)
const outcome = {
  way: (await api<{ way4: string }>('GET', '/api/v1/hosts/probing')).way4,
  told,
  whileCut,
  lossy: lossy.latency,
  cutLink: await incidentsOf('198.51.100.30'),
  slow: (await details('slow')).state,
  slowIncidents: await incidentsOf('198.51.100.21'),
  elsewhere: await details('elsewhere'),
  noisy: await incidentsOf('198.51.100.23'),
  farIncidents: farIncidents.flat().length,
  farDownMs: figures.reduce((sum, { parts }) => sum + parts.down, 0),
  farUptime: Math.min(...figures.map(({ uptime }) => uptime)),
  farUnobservedMs: Math.min(...figures.map(({ parts }) => parts.unobserved)),
  childIncidents: await incidentsOf('100.64.0.3'),
}
child.kill('SIGTERM')
const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
await new Promise<void>((resolve) =>
  process.stdout.write(JSON.stringify({ ...outcome, code }), () => resolve()),
)
process.exit(0)
