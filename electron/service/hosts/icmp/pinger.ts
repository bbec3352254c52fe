import { isIPv6 } from 'node:net'
import type { EchoWay } from '../../../shared/host-words.ts'
import type { Clock } from '../../clock.ts'
import type { Echoer, EchoRequest, EchoResult, Refusal } from './echo.ts'
import { openFping } from './fping.ts'
import type { NativeSockets } from './native.ts'
import { openPing } from './ping-command.ts'
import { openSockets } from './sockets.ts'
import type { IpFamily } from './packet.ts'

/** Sends echoes by the best way that this system offers, opened when it is first needed. */
export interface Pinger {
  echo(request: EchoRequest, done: (result: EchoResult) => void): void
  /** Opens the way of a family, if it is not, and tells which it is and why no better one. */
  way(family: IpFamily): Promise<ChosenWay>
  stop(): Promise<void>
}

export interface ChosenWay {
  readonly way: EchoWay
  readonly refusals: readonly Refusal[]
}

/** After so long a worse way is given up for another look, since permissions may have changed (ms). */
const lookAgainMs = 3_600_000

/** Every echo has ended after this (ms). */
const longestEchoMs = 120_000

interface Opened {
  readonly echoer: Echoer | null
  readonly refusals: readonly Refusal[]
}

/** Ways that may be tried, best first; tests leave some out. */
export const allWays: readonly EchoWay[] = ['datagram', 'raw', 'windows', 'fping', 'ping']

/** Returns a pinger; nothing is opened before it is needed. */
export function createPinger(clock: Clock, allowed: readonly EchoWay[] = allWays): Pinger {
  const opened = new Map<
    IpFamily,
    { readonly atMs: number; readonly opening: Promise<Opened>; now: Opened | null }
  >()
  let isStopped = false

  const open = (family: IpFamily): { opening: Promise<Opened>; now: Opened | null } => {
    const known = opened.get(family)
    const isWorse = known?.now && known.now.refusals.length > 0
    if (known && !(isWorse && clock.glance().monotonicMs - known.atMs > lookAgainMs)) return known
    const entry = {
      atMs: clock.glance().monotonicMs,
      opening: openBest(clock, family, allowed),
      now: known?.now ?? null,
    }
    opened.set(family, entry)
    const before = known?.now?.echoer ?? null
    void entry.opening.then((found) => {
      // Echoes on their way by the way that was in use end by it.
      if (before && before.way === found.echoer?.way) {
        void found.echoer.stop()
        entry.now = { ...found, echoer: before }
      } else {
        entry.now = found
        if (before) clock.after(longestEchoMs, () => void before.stop())
      }
      if (isStopped) void entry.now.echoer?.stop()
    })
    return entry
  }

  return {
    echo(request, done) {
      const family = isIPv6(request.address.split('%')[0] ?? '') ? 6 : 4
      const { now, opening } = open(family)
      const send = ({ echoer, refusals }: Opened): void => {
        if (echoer) echoer.send(request, done)
        else done({ kind: 'fault', text: noWay(refusals) })
      }
      if (now) send(now)
      else void opening.then(send)
    },
    async way(family) {
      const entry = open(family)
      const { echoer, refusals } = entry.now ?? (await entry.opening)
      return { way: echoer?.way ?? 'none', refusals }
    },
    async stop() {
      isStopped = true
      const before = [...opened.values()]
      opened.clear()
      for (const { opening, now } of before) await (now ?? (await opening)).echoer?.stop()
    },
  }
}

function noWay(refusals: readonly Refusal[]): string {
  return `this machine cannot send echoes: ${refusals.map(({ why }) => why).join('; ')}`
}

async function openBest(clock: Clock, family: IpFamily, allowed: readonly EchoWay[]): Promise<Opened> {
  const refusals: Refusal[] = []
  for (const way of allowed) {
    const found = await tryWay(clock, family, way).catch((error: unknown): Refusal => {
      const reason = error instanceof Error ? error.message : 'it failed'
      return { way, why: `${way} cannot be used: ${reason}`, fix: null }
    })
    if (found === null) continue
    if ('send' in found) return { echoer: found, refusals }
    refusals.push(found)
  }
  return { echoer: null, refusals }
}

/** Returns null for a way that is not this system's. */
async function tryWay(clock: Clock, family: IpFamily, way: EchoWay): Promise<Echoer | Refusal | null> {
  const isWindows = process.platform === 'win32'
  switch (way) {
    case 'datagram':
    case 'raw': {
      if (isWindows) return null
      const native = await loadNative()
      if (typeof native === 'string')
        return { way, why: `the C library cannot be called: ${native}`, fix: null }
      return native === null ? null : openSockets(native, clock, family, way)
    }
    case 'windows':
      return isWindows ? (await import('./windows.ts')).openWindows() : null
    case 'fping':
      return isWindows ? null : openFping(clock)
    case 'ping':
      return openPing()
    case 'none':
      return null
    default:
      return way satisfies never
  }
}

let loaded: NativeSockets | null | string | undefined
/** A system without the library's binary still has its ping. */
async function loadNative(): Promise<NativeSockets | null | string> {
  if (loaded !== undefined) return loaded
  try {
    const { nativeSockets } = await import('./native.ts')
    loaded = nativeSockets()
  } catch (error) {
    loaded = error instanceof Error ? error.message : String(error)
  }
  return loaded
}
