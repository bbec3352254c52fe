import path from 'node:path'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { command } from '../../support/cli.ts'
import { inPrivateNetwork, noPrivateNetwork } from '../../support/private-network.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const script = fileURLToPath(new URL('./faults-in-namespace.ts', import.meta.url))
const reason =
  process.platform !== 'linux'
    ? 'this is not Linux'
    : existsSync('/dev/net/tun')
      ? noPrivateNetwork()
      : 'there is no /dev/net/tun'
if (reason !== null) process.stdout.write(`skipped: hosts on a network that fails, since ${reason}\n`)

interface Outcome {
  readonly way: string
  readonly told: string[]
  readonly whileCut: string[]
  readonly lossy: { readonly count: number; readonly lost: number }
  readonly cutLink: { readonly up_detection: string | null; readonly description: string }[]
  readonly slow: string
  readonly slowIncidents: unknown[]
  readonly elsewhere: {
    readonly state: string
    readonly probeStates: { readonly answeredFrom: string | null }[]
  }
  readonly noisy: unknown[]
  readonly farIncidents: number
  readonly farDownMs: number
  readonly farUptime: number
  readonly farUnobservedMs: number
  readonly childIncidents: unknown[]
  readonly code: number
}

describe.skipIf(reason !== null)('hosts on a network that fails', () => {
  it('have the right states, one incident each, one notice for a router and one for our own uplink', async () => {
    const { code, stdout, stderr } = await inPrivateNetwork(script, [
      command,
      path.join(temporaryFolder(), 'w.db'),
    ])
    expect(code, stderr).toBe(0)
    const outcome = JSON.parse(stdout) as Outcome
    expect(outcome.code).toBe(0)
    expect(outcome.way).toBe('datagram')

    // A cut link: down once, up once.
    expect(outcome.cutLink).toHaveLength(1)
    expect(outcome.cutLink[0]).toMatchObject({ description: 'timeout' })
    expect(outcome.cutLink[0]?.up_detection).not.toBeNull()
    // 20 % loss: degraded and never down, and as lossy as it is.
    expect(outcome.lossy.lost / outcome.lossy.count).toBeGreaterThan(0.05)
    expect(outcome.lossy.lost / outcome.lossy.count).toBeLessThan(0.4)
    // 400 ms: degraded and never down.
    expect(outcome.slow).toBe('degraded')
    expect(outcome.slowIncidents).toEqual([])
    // An answer from another address is an answer, and is shown.
    expect(outcome.elsewhere).toMatchObject({ state: 'up', probeStates: [{ answeredFrom: '198.51.100.99' }] })
    // Duplicate, foreign and truncated answers change nothing.
    expect(outcome.noisy).toEqual([])

    // A router with 30 children: one notice that names them; each child has its incident.
    const ofRouter = outcome.told.filter((text) => /router|child/.test(text))
    expect(ofRouter).toHaveLength(2)
    expect(ofRouter[0]).toContain('30 hosts behind it cannot be reached: child 1, child 2')
    expect(ofRouter[1]).toMatch(/router \(192\.0\.2\.50\) is up again after \d+ s/)
    expect(outcome.childIncidents).toHaveLength(1)

    // Our own uplink: one notice, no incident, figures unchanged.
    expect(outcome.whileCut).toHaveLength(1)
    expect(outcome.whileCut[0]).toContain('This machine is offline')
    expect(outcome.told.at(-1)).toContain('This machine is online again after')
    expect(outcome.farIncidents).toBe(0)
    expect(outcome.farDownMs).toBe(0)
    expect(outcome.farUptime).toBe(100)
    expect(outcome.farUnobservedMs).toBeGreaterThan(10_000)
  }, 300_000)
})
