import { getServers } from 'node:dns'
import { readFileSync } from 'node:fs'
import { BlockList, isIP } from 'node:net'
import os from 'node:os'
import { text6 } from './icmp/address.ts'
import type { Scope } from '../../shared/host-words.ts'
import { runToEnd } from './icmp/programs.ts'

/** What this machine's network looks like: addresses, gateways, neighbours. */

export interface Neighbour {
  readonly address: string
  readonly hardware: string
}

/** Everything that is asked of the system's network. */
export interface Network {
  /** Whether this machine has an address in any network but its own. */
  isLinked(): boolean
  scopeOf(address: string): Scope
  gateways(): Promise<readonly string[]>
  nameServers(): readonly string[]
  neighbours(): Promise<readonly Neighbour[]>
}

/** Interfaces come and go; they are looked at again after this (ms). */
const keptMs = 5_000
const mostScopes = 10_000

/** Returns the network of this machine. `nowMs` is a clock that does not jump. */
export function systemNetwork(nowMs: () => number, platform: NodeJS.Platform = process.platform): Network {
  let lists: {
    readonly atMs: number
    readonly own: BlockList
    readonly link: BlockList
    /** Where addresses were found to be, since the same ones are asked for again and again. */
    readonly scopes: Map<string, Scope>
  } | null = null
  const read = (): NonNullable<typeof lists> => {
    if (lists && nowMs() - lists.atMs < keptMs) return lists
    const own = new BlockList()
    const link = new BlockList()
    own.addSubnet('127.0.0.0', 8, 'ipv4')
    own.addAddress('::1', 'ipv6')
    link.addSubnet('fe80::', 10, 'ipv6')
    for (const one of Object.values(os.networkInterfaces()).flatMap((list) => list ?? [])) {
      const family = one.family === 'IPv4' ? 'ipv4' : 'ipv6'
      const bits = Number(one.cidr?.split('/')[1])
      own.addAddress(one.address, family)
      if (Number.isInteger(bits) && !one.internal) link.addSubnet(one.address, bits, family)
    }
    lists = { atMs: nowMs(), own, link, scopes: new Map() }
    return lists
  }
  return {
    scopeOf(address) {
      const known = read()
      const found = known.scopes.get(address) ?? scopeIn(known, address)
      if (known.scopes.size < mostScopes) known.scopes.set(address, found)
      return found
    },
    isLinked: () =>
      Object.values(os.networkInterfaces()).some((list) =>
        list?.some(({ internal, address }) => !internal && !address.startsWith('fe80:')),
      ),
    gateways: () => readGateways(platform),
    nameServers: () =>
      getServers().map((text) =>
        text.replace(/^\[([^\]]+)\](?::\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1'),
      ),
    neighbours: () => readNeighbours(platform),
  }
}

function scopeIn(
  { own, link }: { readonly own: BlockList; readonly link: BlockList },
  address: string,
): Scope {
  const bare = address.split('%')[0] ?? ''
  const kind = isIP(bare)
  if (kind === 0) return 'beyond'
  const family = kind === 4 ? 'ipv4' : 'ipv6'
  if (own.check(bare, family)) return 'local'
  return link.check(bare, family) ? 'link' : 'beyond'
}

async function readGateways(platform: NodeJS.Platform): Promise<readonly string[]> {
  switch (platform) {
    case 'linux':
      return [...parseRoutes(readOr('/proc/net/route')), ...parseRoutes6(readOr('/proc/net/ipv6_route'))]
    case 'darwin':
      return parseNetstat((await runToEnd('netstat', ['-rn']))?.output ?? '')
    case 'win32':
      return parseRoutePrint((await runToEnd('route', ['print', '0.0.0.0']))?.output ?? '')
    default:
      return []
  }
}

function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** Returns the default gateways of Linux' `/proc/net/route`, whose numbers are little-endian hexadecimal. */
export function parseRoutes(text: string): string[] {
  const found: string[] = []
  for (const line of text.split('\n').slice(1)) {
    const [, destination, gateway, flags] = line.trim().split(/\s+/)
    if (destination !== '00000000' || gateway === undefined || gateway === '00000000') continue
    if ((parseInt(flags ?? '0', 16) & 2) === 0) continue
    found.push([...Buffer.from(gateway, 'hex')].reverse().join('.'))
  }
  return [...new Set(found)]
}

/** Returns the default gateways of Linux' `/proc/net/ipv6_route`, link-local ones with their interface. */
export function parseRoutes6(text: string): string[] {
  const found: string[] = []
  for (const line of text.split('\n')) {
    const [destination, bits, , , hop, , , , , device] = line.trim().split(/\s+/)
    if (destination === undefined || !/^0{32}$/.test(destination) || bits !== '00' || hop === undefined)
      continue
    if (/^0{32}$/.test(hop) || device === 'lo' || device === undefined) continue
    const address = text6(Buffer.from(hop, 'hex'))
    found.push(address.startsWith('fe80') ? `${address}%${device}` : address)
  }
  return [...new Set(found)]
}

/** Returns the default gateways that `netstat -rn` of macOS names. */
export function parseNetstat(text: string): string[] {
  const found = text.split('\n').flatMap((line) => {
    const [destination, gateway = ''] = line.trim().split(/\s+/)
    return destination === 'default' && isIP(gateway.split('%')[0] ?? '') !== 0 ? [gateway] : []
  })
  return [...new Set(found)]
}

/** Returns the default gateways that `route print` of Windows names, in any language. */
export function parseRoutePrint(text: string): string[] {
  const found = text.split('\n').flatMap((line) => {
    const [destination, mask, gateway = ''] = line.trim().split(/\s+/)
    return destination === '0.0.0.0' && mask === '0.0.0.0' && isIP(gateway) === 4 ? [gateway] : []
  })
  return [...new Set(found)]
}

async function readNeighbours(platform: NodeJS.Platform): Promise<readonly Neighbour[]> {
  if (platform === 'linux') return parseArpFile(readOr('/proc/net/arp'))
  return parseArp((await runToEnd('arp', ['-a']))?.output ?? '')
}

/** Returns who answered lately, of Linux' `/proc/net/arp`: a complete entry has flag 2 set. */
export function parseArpFile(text: string): Neighbour[] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [address = '', , flags = '0', hardware = ''] = line.trim().split(/\s+/)
      const isComplete = (parseInt(flags, 16) & 2) !== 0
      return isComplete && isIP(address) === 4 && isOneMachine(hardware) ? [{ address, hardware }] : []
    })
}

/** Returns who answered lately, of `arp -a`: its two forms name an address and a hardware address. */
export function parseArp(text: string): Neighbour[] {
  return text.split('\n').flatMap((line) => {
    const address = /((?:\d{1,3}\.){3}\d{1,3})/.exec(line)?.[1] ?? ''
    const hardware = (/\b((?:[0-9a-f]{1,2}[:-]){5}[0-9a-f]{1,2})\b/i.exec(line)?.[1] ?? '').replaceAll(
      '-',
      ':',
    )
    return isIP(address) === 4 && isOneMachine(hardware)
      ? [{ address, hardware: hardware.toLowerCase() }]
      : []
  })
}

/** Broadcast and multicast addresses have the lowest bit of their first byte set. */
function isOneMachine(hardware: string): boolean {
  const first = parseInt(hardware.split(':')[0] ?? '', 16)
  return Number.isFinite(first) && (first & 1) === 0 && !/^[0:]+$/.test(hardware)
}
