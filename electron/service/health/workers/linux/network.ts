import type { Clock } from '../../../clock.ts'
import { notOffered, type Row } from '../../report.ts'
import { numberIn, rate, roundedOrNull, type SystemFiles } from '../files.ts'
import type { Worker } from '../worker.ts'

export interface InterfaceCounters {
  readonly inBytes: number
  readonly inPackets: number
  readonly inErrors: number
  readonly inDrops: number
  readonly outBytes: number
  readonly outPackets: number
  readonly outErrors: number
  readonly outDrops: number
}

/** Reads `/proc/net/dev`. */
export function parseInterfaces(text: string): ReadonlyMap<string, InterfaceCounters> {
  return new Map(
    text.split('\n').flatMap((line): [string, InterfaceCounters][] => {
      const [, name, rest] = /^\s*([^:\s]+):\s*(.*)$/.exec(line) ?? []
      if (name === undefined || rest === undefined) return []
      const at = rest.trim().split(/\s+/).map(Number)
      return [
        [
          name,
          {
            inBytes: at[0] ?? 0,
            inPackets: at[1] ?? 0,
            inErrors: at[2] ?? 0,
            inDrops: at[3] ?? 0,
            outBytes: at[8] ?? 0,
            outPackets: at[9] ?? 0,
            outErrors: at[10] ?? 0,
            outDrops: at[11] ?? 0,
          },
        ],
      ]
    }),
  )
}

/** The loopback, and what containers and virtual machines make by the dozen. */
const inner =
  /^(?:lo|veth|docker|br-|virbr|vnet|cni|flannel|cali|tap|ifb|dummy|podman|lxc|lxd|fwbr|fwpr|fwln|azv|kube|nodelocaldns|cilium|weave|vxlan|geneve)|^eni[0-9a-f]{9,}$/

/** Reads `/proc/net/sockstat` and `/proc/net/sockstat6`: numbers by `protocol name`. */
export function parseSockets(text: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>()
  for (const line of text.split('\n')) {
    const [protocol, rest] = line.split(': ')
    const words = rest?.split(' ') ?? []
    for (let index = 0; index + 1 < words.length; index += 2)
      found.set(`${protocol ?? ''} ${words[index] ?? ''}`, Number(words[index + 1]))
  }
  return found
}

export interface Listening {
  readonly protocol: string
  readonly address: string
  readonly port: number
}

/** Reads who listens in `/proc/net/tcp` or `/proc/net/udp` (and those of IPv6), in which addresses are 32-bit words in the machine's order. */
export function parseListening(text: string, protocol: 'tcp' | 'tcp6' | 'udp' | 'udp6'): Listening[] {
  // TCP_LISTEN, and for UDP the state of a socket that is connected to nobody: include/net/tcp_states.h
  const wanted = protocol.startsWith('tcp') ? '0A' : '07'
  const found = new Map<string, Listening>()
  for (const match of text.matchAll(
    /^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2}) /gm,
  )) {
    const [, address = '', port = '', state] = match
    if (state !== wanted) continue
    const one = { protocol, address: addressOf(address), port: Number.parseInt(port, 16) }
    found.set(`${one.address} ${one.port}`, one)
  }
  return [...found.values()].sort((a, b) => a.port - b.port)
}

function addressOf(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).reverse())
  if (bytes.length === 4) return bytes.map((byte) => Number.parseInt(byte, 16)).join('.')
  const groups = (bytes.join('').match(/.{4}/g) ?? []).map((group) => Number.parseInt(group, 16).toString(16))
  const text = groups.join(':')
  const zeros = /(?:^|:)0(?::0)+(?:$|:)/.exec(text)?.[0]
  return zeros === undefined ? text : text.replace(zeros, '::')
}

const portsEveryMs = 60_000
const mostPorts = 200
/** The list of a busy server's connections is long, and slow to make. */
const mostConnections = 20_000

export function networkWorker(files: SystemFiles, clock: Clock): Worker {
  let before: { readonly atMs: number; readonly all: ReadonlyMap<string, InterfaceCounters> } | null = null
  const sockets = (): ReadonlyMap<string, number> =>
    parseSockets(`${files.text('/proc/net/sockstat') ?? ''}\n${files.text('/proc/net/sockstat6') ?? ''}`)
  return {
    name: 'Network',
    functions: [
      {
        name: 'Network_interfaces',
        run: async () => {
          const all = parseInterfaces(files.text('/proc/net/dev') ?? '')
          const nowMs = clock.glance().monotonicMs
          const seconds = before === null ? 0 : (nowMs - before.atMs) / 1_000
          const earlier = before?.all
          before = { atMs: nowMs, all }
          const rows = await Promise.all(
            [...all]
              .filter(([name]) => !inner.test(name))
              .map(([name, now]) => interfaceRow(files, name, now, earlier?.get(name), seconds)),
          )
          return rows.length === 0 ? notOffered('there is no interface but the loopback') : rows
        },
      },
      {
        name: 'Network_ports',
        everyMs: portsEveryMs,
        run: async () => {
          const open = (sockets().get('TCP inuse') ?? 0) + (sockets().get('TCP6 inuse') ?? 0)
          if (open > mostConnections)
            return notOffered(`with ${open} connections, the list would take too long to read`)
          const rows: Row[] = []
          for (const protocol of ['tcp', 'tcp6', 'udp', 'udp6'] as const) {
            const text = await files.slowText(`/proc/net/${protocol}`)
            for (const one of parseListening(text ?? '', protocol)) rows.push({ ...one })
          }
          return rows.slice(0, mostPorts)
        },
      },
      {
        name: 'Network_sockets',
        run: () => {
          const found = sockets()
          const at = (name: string): number => found.get(name) ?? 0
          return [
            {
              tcp: at('TCP inuse') + at('TCP6 inuse'),
              tcp_waiting: at('TCP tw'),
              tcp_orphans: at('TCP orphan'),
              udp: at('UDP inuse') + at('UDP6 inuse'),
              all: at('sockets used'),
            },
          ]
        },
      },
    ],
  }
}

async function interfaceRow(
  files: SystemFiles,
  name: string,
  now: InterfaceCounters,
  was: InterfaceCounters | undefined,
  seconds: number,
): Promise<Row> {
  const per = (key: keyof InterfaceCounters, digits: number): number | null =>
    roundedOrNull(rate(now[key], was?.[key], seconds), digits)
  const errors = rate(now.inErrors + now.outErrors, was && was.inErrors + was.outErrors, seconds)
  // The driver is asked, and some take their time.
  const speed = numberIn(await files.slowText(`/sys/class/net/${name}/speed`))
  return {
    interface: name,
    in_bytes_per_s: per('inBytes', 1),
    out_bytes_per_s: per('outBytes', 1),
    in_packets_per_s: per('inPackets', 2),
    out_packets_per_s: per('outPackets', 2),
    errors_per_s: roundedOrNull(errors),
    in_bytes: now.inBytes,
    out_bytes: now.outBytes,
    in_packets: now.inPackets,
    out_packets: now.outPackets,
    in_errors: now.inErrors,
    out_errors: now.outErrors,
    in_drops: now.inDrops,
    out_drops: now.outDrops,
    state: files.text(`/sys/class/net/${name}/operstate`)?.trim() ?? 'unknown',
    // A link that is down has -1.
    megabits: speed !== null && speed > 0 ? speed : null,
  }
}
