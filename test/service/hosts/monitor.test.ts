import { describe, expect, it } from 'vitest'
import { segmentsOf, figuresOf } from '../../../electron/service/hosts/timeline.ts'
import { readPoints } from '../../../electron/service/store/series/read.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { anchor, gateway } from '../../support/fake-world.ts'
import { hostBench, type HostBench } from '../../support/host-bench.ts'

const second = 1_000
const minute = 60 * second
const far = '203.0.113.9'

/** Past the first minute, and with gateway and anchor known to answer. */
async function settled(bench: HostBench): Promise<void> {
  await bench.pass(70 * second, 1_000)
}

function figures(bench: HostBench, id: number, sinceMs: number) {
  const { store } = bench.hosts
  const nowMs = bench.context.clock.read().wallMs
  const host = bench.hosts.watched.get(id)
  const past = {
    firstMs: host?.probes[0]?.firstMs ?? null,
    incidents: store.incidents(id),
    spans: store.spans(id),
    blind: bench.context.observation.blindSpans(),
    nowMs,
  }
  return figuresOf(segmentsOf(past, sinceMs, nowMs))
}

describe('a host', () => {
  it('is probed at once when it is added, and then at its interval', async () => {
    const bench = await hostBench(fakeClock())
    await bench.add(far)
    await bench.pass(100)
    expect(bench.state(far)).toBe('up')
    expect(bench.world.asked.filter((address) => address === far)).toHaveLength(1)
    await bench.pass(10 * minute, 500)
    const count = bench.world.asked.filter((address) => address === far).length
    expect(count).toBeGreaterThanOrEqual(60)
    expect(count).toBeLessThanOrEqual(62)
  })

  it('survives one lost packet and a second one without an incident', async () => {
    const bench = await hostBench(fakeClock())
    const id = await bench.add(far)
    await settled(bench)
    bench.world.answers.set(far, 'silent')
    const lost = (): number => bench.hosts.watched.get(id)?.probes[0]?.streaks.failures ?? 0
    while (lost() < 2) await bench.pass(250)
    bench.world.answers.delete(far)
    await bench.pass(minute)
    expect(bench.hosts.store.incidents(id)).toEqual([])
    expect(bench.told()).toEqual([])
    await bench.context.series.settle()
    const points = readPoints(bench.context.db, bench.hosts.watched.get(id)?.probes[0]?.id ?? 0, 0, 1e15)
    expect(points.filter(({ value }) => Number.isNaN(value))).toHaveLength(2)
  })

  it('goes down after three failures, sooner than its interval, and comes up with the next answer', async () => {
    const clock = fakeClock()
    const bench = await hostBench(clock)
    const id = await bench.add(far, { intervalMs: 60_000 })
    await settled(bench)
    bench.world.answers.set(far, 'silent')
    const cutMs = clock.read().wallMs
    await bench.pass(75 * second)
    expect(bench.state(far)).toBe('down')
    const [incident] = bench.hosts.store.incidents(id)
    expect(incident).toMatchObject({ kind: 'down', cause: 'timeout', closedMs: null })
    expect(incident?.openedMs).toBeGreaterThanOrEqual(cutMs)
    expect(bench.told()).toEqual([`${id} problem down`])
    await bench.pass(10 * minute, 1_000)
    bench.world.answers.delete(far)
    await bench.pass(61 * second, 500)
    const [over] = bench.hosts.store.incidents(id)
    expect(bench.hosts.store.incidents(id)).toHaveLength(1)
    const host = bench.hosts.watched.get(id)
    expect(over?.closedMs).toBe(host?.probes[0]?.verdictMs)
    const lasted = (over?.closedMs ?? 0) - (over?.openedMs ?? 0)
    expect(bench.told()).toEqual([`${id} problem down`, `${id} recovery up`])
    expect(bench.transitions.at(-1)?.facts.text).toMatch(/^203\.0\.113\.9 is up again after 1\d min/)
    const { parts } = figures(bench, id, cutMs - 10 * minute)
    expect(parts.down).toBe(lasted)
  })

  it('is degraded by latency for three samples, without being down, and apart from it', async () => {
    const bench = await hostBench(fakeClock())
    const id = await bench.add(far, { probes: [{ kind: 'icmp', degradedMs: 300 }] })
    await settled(bench)
    bench.world.answers.set(far, 400)
    await bench.pass(minute)
    expect(bench.state(far)).toBe('degraded')
    expect(figures(bench, id, bench.context.clock.read().wallMs - 10 * second)).toMatchObject({ uptime: 100 })
    bench.world.answers.delete(far)
    await bench.pass(minute)
    expect(bench.state(far)).toBe('up')
    expect(bench.told()).toEqual([`${id} problem degraded`, `${id} recovery up`])
  })

  it('with a probe that fails and one that does not is down, once, with both named as they fail', async () => {
    const bench = await hostBench(fakeClock())
    const id = await bench.add('127.0.0.1', {
      probes: [{ kind: 'icmp' }, { kind: 'tcp', port: 9 }],
    })
    for (let tries = 0; tries < 200 && bench.state('127.0.0.1') !== 'down'; tries += 1) {
      await bench.pass(250)
      // The connection is a real one.
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(bench.state('127.0.0.1')).toBe('down')
    expect(bench.hosts.store.incidents(id)).toMatchObject([{ cause: 'TCP port 9: connection refused' }])
  })
})

describe('restart', () => {
  it('in mid-incident opens no second one, and the time between is unobserved', async () => {
    const clock = fakeClock()
    const first = await hostBench(clock)
    const id = await first.add(far)
    await settled(first)
    first.world.answers.set(far, 'silent')
    await first.pass(minute)
    expect(first.state(far)).toBe('down')
    first.kill()
    clock.advance(30 * minute)
    const again = await hostBench(clock, { database: first.database, world: first.world })
    expect(again.state(far)).toBe('unobserved')
    await again.pass(2 * minute)
    expect(again.state(far)).toBe('down')
    expect(again.told()).toEqual([])
    first.world.answers.delete(far)
    await again.pass(minute)
    const incidents = again.hosts.store.incidents(id)
    expect(incidents).toHaveLength(1)
    expect(incidents[0]?.closedMs).not.toBeNull()
    expect(again.transitions.at(-1)?.facts.text).toMatch(/of which \d+ min .*unobserved/)
    const { parts } = figures(again, id, incidents[0]?.openedMs ?? 0)
    expect(parts.unobserved).toBeGreaterThan(29 * minute)
    expect(parts.down).toBeLessThan(6 * minute)
  })

  it('keeps the latest beats and the time of the latest probe', async () => {
    const clock = fakeClock()
    const first = await hostBench(clock)
    await first.add(far)
    await first.pass(2 * minute, 1_000)
    await first.stop()
    clock.advance(5_000)
    const again = await hostBench(clock, { database: first.database, world: first.world })
    await again.pass(500)
    const host = again.hosts.find(far)
    expect(host?.beats.length).toBeGreaterThanOrEqual(10)
    expect(host?.probes[0]?.lastMs).toBeGreaterThan(clock.read().wallMs - minute)
  })
})

describe('our own fault', () => {
  it('an uplink cut with 50 hosts is told once, opens no incident, and leaves the figures as they were', async () => {
    const clock = fakeClock()
    const bench = await hostBench(clock)
    const ids: number[] = []
    for (let index = 1; index <= 50; index += 1) ids.push(await bench.add(`203.0.113.${index}`))
    await settled(bench)
    bench.world.isCut = (address) => address !== gateway
    await bench.pass(10 * minute, 500)
    expect(bench.told()).toEqual(['connection problem offline'])
    expect(bench.transitions.at(-1)?.facts.text).toContain('50 hosts are not observed')
    expect(bench.state('203.0.113.7')).toBe('unobserved')
    bench.world.isCut = () => false
    await bench.pass(minute)
    expect(bench.told()).toEqual(['connection problem offline', 'connection recovery online'])
    for (const id of ids) {
      expect(bench.hosts.store.incidents(id)).toEqual([])
      const { uptime, parts } = figures(bench, id, clock.read().wallMs - 11 * minute)
      expect(uptime).toBe(100)
      expect(parts.unobserved).toBeGreaterThan(9 * minute)
    }
    expect(bench.state('203.0.113.7')).toBe('up')
    await bench.context.series.settle()
    const points = readPoints(
      bench.context.db,
      bench.hosts.watched.get(ids[0] ?? 0)?.probes[0]?.id ?? 0,
      0,
      1e15,
    )
    expect(points.every(({ value }) => !Number.isNaN(value))).toBe(true)
  })

  it('a host that is down while all else answers is down, and neighbours are judged by the gateway', async () => {
    const bench = await hostBench(fakeClock())
    const near = await bench.add('192.0.2.7')
    await bench.add(far)
    await settled(bench)
    bench.world.answers.set('192.0.2.7', 'silent')
    await bench.pass(minute)
    expect(bench.state('192.0.2.7')).toBe('down')
    expect(bench.state(far)).toBe('up')
    expect(bench.told()).toEqual([`${near} problem down`])
  })

  it('a host that stays down is unobserved when the uplink goes as well, and still down after it', async () => {
    const bench = await hostBench(fakeClock())
    const id = await bench.add(far)
    await settled(bench)
    bench.world.answers.set(far, 'silent')
    await bench.pass(minute)
    expect(bench.state(far)).toBe('down')
    bench.world.isCut = (address) => address !== gateway
    await bench.pass(2 * minute)
    expect(bench.state(far)).toBe('unobserved')
    bench.world.isCut = () => false
    await bench.pass(minute)
    expect(bench.state(far)).toBe('down')
    expect(bench.hosts.store.incidents(id)).toHaveLength(1)
  })

  it('nobody is told of anything in the first minute after a start without a network', async () => {
    const clock = fakeClock()
    const first = await hostBench(clock)
    await first.add(far)
    await settled(first)
    await first.stop()
    clock.advance(minute)
    first.world.isCut = () => true
    const again = await hostBench(clock, { database: first.database, world: first.world })
    await again.pass(45 * second)
    expect(again.told()).toEqual([])
    again.world.isCut = () => false
    await again.pass(minute)
    expect(again.told()).toEqual([])
    expect(again.state(far)).toBe('up')
  })

  it('what fails around a suspend says nothing, and the suspend counts as neither up nor down', async () => {
    const clock = fakeClock()
    const bench = await hostBench(clock)
    const id = await bench.add(far)
    await settled(bench)
    bench.world.isCut = () => true
    await bench.pass(2 * second)
    clock.suspend(8 * 60 * minute)
    await bench.pass(20 * second)
    bench.world.isCut = () => false
    await bench.pass(2 * minute)
    expect(bench.told()).toEqual([])
    expect(bench.hosts.store.incidents(id)).toEqual([])
    const { parts, uptime } = figures(bench, id, clock.read().wallMs - 8 * 60 * minute)
    expect(uptime).toBe(100)
    expect(parts.asleep).toBeGreaterThan(7 * 60 * minute)
  })

  it('a machine that cannot send makes hosts unobserved, not down', async () => {
    const bench = await hostBench(fakeClock())
    const id = await bench.add('127.0.0.5')
    await bench.pass(minute)
    bench.world.answers.set('127.0.0.5', 'fault')
    await bench.pass(minute)
    expect(bench.state('127.0.0.5')).toBe('unobserved')
    expect(bench.told()).toEqual([])
    bench.world.answers.delete('127.0.0.5')
    await bench.pass(minute)
    expect(bench.state('127.0.0.5')).toBe('up')
    expect(bench.hosts.store.spans(id)).toMatchObject([{ kind: 'blind' }])
    expect(bench.hosts.store.spans(id)[0]?.toMs).not.toBeNull()
  })

  it('a probe that this machine cannot take leaves the host to its other probes', async () => {
    const bench = await hostBench(fakeClock())
    const id = await bench.add('127.0.0.5', { probes: [{ kind: 'icmp' }, { kind: 'icmp', packets: 2 }] })
    bench.world.answers.set('127.0.0.5', 1)
    await bench.pass(minute)
    const [first] = bench.hosts.watched.get(id)?.probes ?? []
    expect(first).toBeDefined()
    if (first) first.fault = 'no way'
    await bench.pass(20 * second)
    expect(bench.state('127.0.0.5')).toBe('up')
    expect(bench.hosts.store.spans(id)).toEqual([])
  })

  it('a fault ends with the address that had it, and a pause does not turn it into uptime', async () => {
    const clock = fakeClock()
    const bench = await hostBench(clock)
    const id = await bench.add('127.0.0.5')
    await bench.pass(minute)
    bench.world.answers.set('127.0.0.5', 'fault')
    await bench.pass(minute)
    await Promise.all([bench.hosts.setPaused(id, true), bench.pass(1_000)])
    await Promise.all([bench.hosts.setPaused(id, false), bench.pass(1_000)])
    await bench.pass(5 * minute)
    expect(bench.state('127.0.0.5')).toBe('unobserved')
    expect(figures(bench, id, clock.read().wallMs - 4 * minute)).toMatchObject({ uptime: null })
    await Promise.all([bench.hosts.change(id, { domain: '127.0.0.6' }), bench.pass(1_000)])
    await bench.pass(5 * minute)
    expect(bench.state('127.0.0.6')).toBe('up')
    expect(bench.hosts.store.openSpan(id, 'blind')).toBeNull()
    expect(figures(bench, id, clock.read().wallMs - 4 * minute)).toMatchObject({ uptime: 100 })
  })

  it('another address begins the count of failures anew', async () => {
    const bench = await hostBench(fakeClock())
    const id = await bench.add(far)
    await settled(bench)
    bench.world.answers.set(far, 'silent')
    bench.world.answers.set('203.0.113.99', 'silent')
    const failures = (): number => bench.hosts.watched.get(id)?.probes[0]?.streaks.failures ?? 0
    while (failures() < 2) await bench.pass(250)
    await Promise.all([bench.hosts.change(id, { domain: '203.0.113.99' }), bench.pass(250)])
    expect(failures()).toBe(0)
    while (failures() < 1) await bench.pass(250)
    expect(bench.hosts.store.incidents(id)).toEqual([])
  })

  it('asks gateway and anchors only when something fails', async () => {
    const bench = await hostBench(fakeClock())
    await bench.add(far)
    await settled(bench)
    bench.world.asked.length = 0
    await bench.pass(10 * minute, 1_000)
    expect(bench.world.asked.filter((address) => address === gateway || address === anchor)).toEqual([])
  })
})

describe('a connection that is hard to tell', () => {
  const isFar = (address: string): boolean => !address.startsWith('192.0.2.')

  it('with its gateway off and a neighbour alive is told of once, and the neighbour stays up', async () => {
    const bench = await hostBench(fakeClock())
    await bench.add('192.0.2.7', { intervalMs: 2_000 })
    for (let index = 1; index <= 5; index += 1) await bench.add(`203.0.113.${index}`, { intervalMs: 5_000 })
    await settled(bench)
    bench.world.isCut = (address) => isFar(address) || address === gateway
    await bench.pass(5 * minute)
    expect(bench.told()).toEqual(['connection problem offline'])
    expect(bench.state('192.0.2.7')).toBe('up')
    expect(bench.state('203.0.113.3')).toBe('unobserved')
    bench.world.isCut = () => false
    await bench.pass(minute)
    expect(bench.told()).toEqual(['connection problem offline', 'connection recovery online'])
  })

  it('whose anchors no longer answer, but other hosts do, lets a host that is down be down', async () => {
    const bench = await hostBench(fakeClock())
    const id = await bench.add(far)
    await bench.add('203.0.113.10')
    await settled(bench)
    bench.world.answers.set(anchor, 'silent')
    bench.world.answers.set(far, 'silent')
    await bench.pass(5 * minute)
    expect(bench.told()).toEqual([`${id} problem down`])
    expect(bench.state('203.0.113.10')).toBe('up')
  })

  it('whose anchors are silent for good is not doubted again and again, even when all other hosts have troubles', async () => {
    const bench = await hostBench(fakeClock())
    const id = await bench.add(far)
    await bench.add('203.0.113.10', { probes: [{ kind: 'icmp', degradedMs: 300 }] })
    await bench.add('203.0.113.11', { probes: [{ kind: 'icmp', timeoutMs: 9_000 }] })
    bench.world.answers.set('203.0.113.10', 400)
    bench.world.answers.set('203.0.113.11', 4_000)
    await settled(bench)
    bench.world.answers.set(anchor, 'silent')
    bench.world.answers.set(gateway, 'silent')
    bench.world.answers.set(far, 'silent')
    await bench.pass(20 * minute, 500)
    expect(bench.told()).toContain(`${id} problem down`)
    expect(bench.state(far)).toBe('down')
    expect(bench.told().filter((text) => text.startsWith('connection')).length).toBeLessThanOrEqual(2)
  })

  it('that is cut over a restart is told of once, with its whole length', async () => {
    const clock = fakeClock()
    const bench = await hostBench(clock)
    await bench.add(far)
    await settled(bench)
    bench.world.isCut = isFar
    await bench.pass(5 * minute, 500)
    expect(bench.told()).toEqual(['connection problem offline'])
    await bench.stop()
    clock.advance(minute)
    const again = await hostBench(clock, { database: bench.database, world: bench.world })
    await again.pass(5 * minute, 500)
    expect(again.told()).toEqual([])
    again.world.isCut = () => false
    await again.pass(minute)
    expect(again.told()).toEqual(['connection recovery online'])
    expect(again.transitions.at(-1)?.facts.text).toMatch(/online again after 1[01] min/)
  })

  it('takes in a host that is added while it is cut', async () => {
    const bench = await hostBench(fakeClock())
    await bench.add('203.0.113.1')
    await settled(bench)
    bench.world.isCut = isFar
    await bench.pass(2 * minute)
    const id = await bench.add(far)
    await bench.pass(2 * minute)
    expect(bench.state(far)).toBe('unobserved')
    bench.world.isCut = () => false
    await bench.pass(minute)
    expect(bench.state(far)).toBe('up')
    expect(bench.hosts.store.incidents(id)).toEqual([])
  })

  it('does not lay on a host what was begun while it was cut', async () => {
    const bench = await hostBench(fakeClock())
    const slow = await bench.add('203.0.113.1', {
      failures: 1,
      intervalMs: 20_000,
      probes: [{ kind: 'icmp', timeoutMs: 15_000 }],
    })
    await bench.add('203.0.113.2', { intervalMs: 1_000 })
    await settled(bench)
    for (let outage = 0; outage < 5; outage += 1) {
      bench.world.isCut = isFar
      await bench.pass(minute + outage * 3_700)
      bench.world.isCut = () => false
      await bench.pass(minute)
    }
    expect(bench.hosts.store.incidents(slow)).toEqual([])
  })

  it('is not proved by the resolver of this machine, which answers for itself', async () => {
    const bench = await hostBench(fakeClock())
    const id = await bench.add('nas.invalid', {
      probes: [{ kind: 'dns', record: 'A', server: '127.0.0.1:9', timeoutMs: 500 }],
    })
    await bench.add(far)
    await settled(bench)
    bench.world.isCut = isFar
    for (let turn = 0; turn < 100; turn += 1) {
      await bench.pass(1_000)
      // The name server is a real one, or rather none.
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(bench.state(far)).toBe('unobserved')
    expect(bench.told().filter((text) => text.startsWith('connection'))).toEqual([
      'connection problem offline',
    ])
    expect(bench.hosts.watched.get(id)).toBeDefined()
  })
})

describe('parent and children', () => {
  async function family(bench: HostBench, count: number): Promise<{ router: number; children: number[] }> {
    const router = await bench.add('192.0.2.50', { name: 'router' })
    const children: number[] = []
    for (let index = 1; index <= count; index += 1)
      children.push(await bench.add(`203.0.113.${index}`, { name: `child ${index}`, parent: router }))
    return { router, children }
  }

  it('a router with 30 children behind it is one notice that names them', async () => {
    const bench = await hostBench(fakeClock())
    const { router, children } = await family(bench, 30)
    await settled(bench)
    const isTheirs = (address: string): boolean =>
      address === '192.0.2.50' || address.startsWith('203.0.113.')
    bench.world.isCut = isTheirs
    await bench.pass(2 * minute)
    expect(bench.told().filter((text) => !text.endsWith('held'))).toEqual([`${router} problem down`])
    expect(bench.told().filter((text) => text.endsWith('held'))).toHaveLength(30)
    const facts = bench.transitions.find(({ item }) => item === String(router))?.facts
    expect(facts?.text).toContain('30 hosts behind it cannot be reached: child 1, child 2')
    expect(facts?.details).toHaveLength(30)
    bench.world.isCut = () => false
    await bench.pass(minute)
    for (const id of [router, ...children]) expect(bench.hosts.store.openIncident(id)).toBeNull()
  })

  it('a child that is still down when its parent is back is told of then', async () => {
    const bench = await hostBench(fakeClock())
    const { router, children } = await family(bench, 2)
    await settled(bench)
    bench.world.isCut = (address) => address === '192.0.2.50' || address.startsWith('203.0.113.')
    await bench.pass(2 * minute)
    bench.world.isCut = (address) => address === '203.0.113.1'
    await bench.pass(2 * minute)
    expect(bench.told().at(-1)).toBe(`${children[0]} update down`)
    expect(bench.transitions.at(-1)?.facts.text).toBe(
      'child 1 (203.0.113.1) is still down though router is up again: timeout.',
    )
    expect(bench.told()).toContain(`${router} recovery up`)
    expect(bench.state('child 2')).toBe('up')
  })

  it('a child that fails alone is told of, its parent having been asked', async () => {
    const bench = await hostBench(fakeClock())
    const { children } = await family(bench, 2)
    await settled(bench)
    bench.world.answers.set('203.0.113.2', 'silent')
    await bench.pass(minute)
    expect(bench.told()).toEqual([`${children[1]} problem down`])
  })

  it.each(['paused and unpaused', 'removed', 'restarted over'])(
    'a child that is still down when its parent was %s is told of then',
    async (how) => {
      const clock = fakeClock()
      let bench = await hostBench(clock)
      const { router, children } = await family(bench, 1)
      await settled(bench)
      bench.world.isCut = (address) => address === '192.0.2.50' || address.startsWith('203.0.113.')
      await bench.pass(2 * minute)
      expect(bench.told()).toContain(`${children[0]} problem down held`)
      bench.world.isCut = (address) => address === '203.0.113.1'
      switch (how) {
        case 'removed':
          await Promise.all([bench.hosts.remove(router), bench.pass(1_000)])
          break
        case 'restarted over':
          bench.kill()
          clock.advance(5_000)
          bench = await hostBench(clock, { database: bench.database, world: bench.world })
          break
        default:
          await Promise.all([bench.hosts.setPaused(router, true), bench.pass(1_000)])
          await Promise.all([bench.hosts.setPaused(router, false), bench.pass(1_000)])
      }
      await bench.pass(4 * minute)
      expect(bench.told()).toContain(`${children[0]} update down`)
    },
  )

  it('no host can be behind itself', async () => {
    const bench = await hostBench(fakeClock())
    const { router, children } = await family(bench, 1)
    await expect(bench.hosts.change(router, { parent: children[0] ?? 0 })).rejects.toThrow(
      'a host cannot be behind itself',
    )
    await expect(bench.hosts.change(router, { parent: 4_711 })).rejects.toThrow('there is no host 4711')
  })
})

describe('maintenance and pause', () => {
  it('a window leaves its time out and opens no incident before its end', async () => {
    const clock = fakeClock()
    const bench = await hostBench(clock)
    const id = await bench.add(far, { tags: ['web'] })
    await settled(bench)
    const untilMs = clock.read().wallMs + 10 * minute
    bench.world.windows = [
      { name: 'work', untilMs, covers: (room, _item, tags) => room === 'hosts' && tags.includes('web') },
    ]
    await bench.pass(2 * second)
    bench.world.answers.set(far, 'silent')
    await bench.pass(9 * minute, 500)
    expect(bench.state(far)).toBe('down')
    expect(bench.hosts.store.incidents(id)).toEqual([])
    await bench.pass(2 * minute, 500)
    expect(bench.hosts.store.incidents(id)).toHaveLength(1)
    expect(bench.hosts.store.incidents(id)[0]?.openedMs).toBeGreaterThanOrEqual(untilMs)
    const { parts } = figures(bench, id, untilMs - 9 * minute)
    expect(parts.maintenance).toBeGreaterThanOrEqual(9 * minute)
    expect(parts.down).toBeLessThanOrEqual(2 * minute)
  })

  it('a window that ends while nobody is here opens the incident of what is still down', async () => {
    const clock = fakeClock()
    const bench = await hostBench(clock)
    const id = await bench.add(far)
    await settled(bench)
    const untilMs = clock.read().wallMs + 5 * minute
    bench.world.windows = [{ name: 'work', untilMs, covers: () => true }]
    await bench.pass(2 * second)
    bench.world.answers.set(far, 'silent')
    await bench.pass(2 * minute)
    expect(bench.state(far)).toBe('down')
    bench.kill()
    clock.advance(10 * minute)
    const again = await hostBench(clock, { database: bench.database, world: bench.world })
    await Promise.all([again.hosts.change(id, { description: 'edited' }), again.pass(250)])
    await again.pass(3 * minute)
    expect(again.state(far)).toBe('down')
    expect(again.told()).toEqual([`${id} problem down`])
  })

  it('a pause ends an incident without a word, and what is unpaused is judged anew', async () => {
    const bench = await hostBench(fakeClock())
    const id = await bench.add(far)
    await settled(bench)
    bench.world.answers.set(far, 'silent')
    await bench.pass(minute)
    await Promise.all([bench.hosts.setPaused(id, true), bench.pass(1_000)])
    expect(bench.state(far)).toBe('paused')
    const asked = bench.world.asked.length
    await bench.pass(5 * minute, 1_000)
    expect(bench.world.asked.slice(asked).filter((address) => address === far)).toEqual([])
    expect(bench.told()).toEqual([`${id} problem down`])
    await Promise.all([bench.hosts.setPaused(id, false), bench.pass(1_000)])
    await bench.pass(minute)
    expect(bench.state(far)).toBe('down')
    expect(bench.told()).toEqual([`${id} problem down`, `${id} problem down`])
    expect(bench.hosts.store.incidents(id)).toHaveLength(2)
  })

  it('a clock set back an hour while a host is suspect keeps its downtime, also behind a parent', async () => {
    const clock = fakeClock()
    const bench = await hostBench(clock)
    const parent = await bench.add('192.0.2.50')
    const id = await bench.add(far, { parent })
    await settled(bench)
    bench.world.answers.set(far, 'silent')
    while ((bench.hosts.watched.get(id)?.probes[0]?.streaks.failures ?? 0) < 2) await bench.pass(250)
    clock.step(-60 * minute)
    await bench.pass(2 * minute)
    expect(bench.state(far)).toBe('down')
    const nowMs = clock.read().wallMs
    const opened = bench.hosts.store.incidents(id)[0]?.openedMs ?? 0
    expect(opened).toBeLessThan(nowMs)
    expect(opened).toBeGreaterThan(nowMs - 3 * minute)
  })

  it('a clock set back before a sleep of an earlier start does not hide what fails now', async () => {
    const clock = fakeClock()
    const first = await hostBench(clock)
    const id = await first.add(far)
    await settled(first)
    clock.suspend(10 * minute)
    await first.pass(minute)
    await first.stop()
    clock.advance(2 * minute)
    const again = await hostBench(clock, { database: first.database, world: first.world })
    await again.pass(3 * minute)
    clock.step(-60 * minute)
    await again.pass(2_000)
    again.world.answers.set(far, 'silent')
    await again.pass(3 * minute)
    expect(again.state(far)).toBe('down')
    expect(again.told()).toEqual([`${id} problem down`])
  })

  it('a clock set back an hour in mid-incident keeps the length of it', async () => {
    const clock = fakeClock()
    const bench = await hostBench(clock)
    const id = await bench.add(far)
    await settled(bench)
    bench.world.answers.set(far, 'silent')
    await bench.pass(10 * minute, 500)
    clock.step(-60 * minute)
    await bench.pass(10 * minute, 500)
    bench.world.answers.delete(far)
    await bench.pass(minute)
    const [incident] = bench.hosts.store.incidents(id)
    expect(bench.hosts.store.incidents(id)).toHaveLength(1)
    const lasted = (incident?.closedMs ?? 0) - (incident?.openedMs ?? 0)
    expect(lasted).toBeGreaterThan(19 * minute)
    expect(lasted).toBeLessThan(21 * minute)
  })
})
