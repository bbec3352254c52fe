import { promises as dns } from 'node:dns'
import type { Proposal } from '../../shared/api/hosts.ts'
import type { Clock } from '../clock.ts'
import type { Network } from './network.ts'

/** Proposes what could be watched, from what this machine knows already: nothing is sent but questions for names. */

const nameMs = 1_000
const mostNeighbours = 50

/** Returns gateways, name servers and neighbours, each with the reason. */
export async function proposalsOf(
  network: Network,
  clock: Clock,
  isKnown: (domain: string) => boolean,
): Promise<Proposal[]> {
  const [gateways, neighbours] = await Promise.all([network.gateways(), network.neighbours()])
  const list: { domain: string; why: string }[] = [
    ...gateways.map((domain) => ({ domain, why: 'the gateway of this machine' })),
    ...network
      .nameServers()
      .filter((address) => network.scopeOf(address) !== 'local')
      .map((domain) => ({ domain, why: 'a name server of this machine' })),
    ...neighbours
      .slice(0, mostNeighbours)
      .map(({ address }) => ({ domain: address, why: 'a neighbour on the network' })),
    { domain: '1.1.1.1', why: 'a public name server, to see the Internet connection by' },
  ]
  const unique = list.filter(
    ({ domain }, index) => list.findIndex((other) => other.domain === domain) === index,
  )
  return Promise.all(
    unique.map(async ({ domain, why }) => ({
      domain,
      why,
      name: gateways.includes(domain) ? 'Gateway' : ((await nameOf(domain, clock)) ?? domain),
      known: isKnown(domain),
    })),
  )
}

/** Returns the name that the system's name servers have for an address; null when they have none, or are slow. */
async function nameOf(address: string, clock: Clock): Promise<string | null> {
  const resolver = new dns.Resolver({ timeout: nameMs, tries: 1 })
  const late = new Promise<null>((resolve) => clock.after(nameMs, () => resolve(null)))
  const asked = resolver.reverse(address.split('%')[0] ?? '').then(
    ([name]) => name ?? null,
    () => null,
  )
  const name = await Promise.race([asked, late])
  resolver.cancel()
  return name
}
