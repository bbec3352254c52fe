import type { Clock } from '../../electron/service/clock.ts'
import type { Silence } from '../../electron/service/context.ts'
import type { EchoResult } from '../../electron/service/hosts/icmp/echo.ts'
import type { Pinger } from '../../electron/service/hosts/icmp/pinger.ts'
import type { Network } from '../../electron/service/hosts/network.ts'
import type { Scope } from '../../electron/shared/host-words.ts'

/** How an address answers: after so many ms, not at all, or not for want of a way. */
export type Answer = number | 'silent' | 'fault'

/** A world that the hosts live in. Whoever is not named answers after a millisecond. */
export interface World {
  readonly answers: Map<string, Answer>
  /** Addresses that were asked, in order. */
  readonly asked: string[]
  /** Cuts or mends everything but this machine's own addresses, or what the predicate names. */
  isCut: (address: string) => boolean
  gateways: string[]
  windows: Silence[]
}

export const gateway = '192.0.2.1'
export const anchor = '198.51.100.1'

/** 127.x is this machine, 192.0.2.x its network; all else lies beyond the gateway. */
function scopeOf(address: string): Scope {
  return address.startsWith('127.') ? 'local' : address.startsWith('192.0.2.') ? 'link' : 'beyond'
}

/** Echoes of that world, which take the time that its clock says. */
export function fakePinger(clock: Clock, world: World): Pinger {
  return {
    echo({ address, timeoutMs }, done) {
      world.asked.push(address)
      const answer =
        world.isCut(address) && scopeOf(address) !== 'local' ? 'silent' : (world.answers.get(address) ?? 1)
      const result: EchoResult =
        answer === 'silent'
          ? { kind: 'timeout' }
          : answer === 'fault'
            ? { kind: 'fault', text: 'no way' }
            : { kind: 'answer', ms: answer, from: address }
      clock.after(answer === 'silent' ? timeoutMs : answer === 'fault' ? 0 : answer, () => done(result))
    },
    way: () => Promise.resolve({ way: 'datagram', refusals: [] }),
    stop: () => Promise.resolve(),
  }
}

/** The network of that world. */
export function fakeNetwork(world: World): Network {
  return {
    scopeOf,
    isLinked: () => true,
    gateways: () => Promise.resolve(world.gateways),
    nameServers: () => [],
    neighbours: () => Promise.resolve([]),
  }
}

/** A world in which everybody answers. */
export function calmWorld(): World {
  return { answers: new Map(), asked: [], isCut: () => false, gateways: [gateway], windows: [] }
}
