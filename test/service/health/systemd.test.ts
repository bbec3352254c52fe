import { spawn } from 'node:child_process'
import net from 'node:net'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../../electron/service/clock.ts'
import { rowsIn } from '../../../electron/service/health/report.ts'
import { createBus } from '../../../electron/service/system/bus.ts'
import { messageLength, packCall, unpackMessage } from '../../../electron/service/system/bus-message.ts'
import { systemFiles, type SystemFiles } from '../../../electron/service/health/workers/files.ts'
import { servicesWorker } from '../../../electron/service/health/workers/linux/services.ts'
import { createRunner } from '../../../electron/service/health/workers/worker.ts'
import { hasProgram, privateBus } from '../../support/private-bus.ts'
import { tellSkipped } from '../../support/skipped.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const canRun = process.platform === 'linux' && hasProgram('dbus-daemon')
if (!canRun) tellSkipped('systemd over D-Bus is not tested: dbus-daemon is missing (Debian: dbus-daemon)')
const clock = systemClock()
const call = {
  destination: 'org.x',
  path: '/x',
  interface: 'org.x',
  member: 'M',
  args: [['a', 'bc'], 'd'],
} as const

describe('messages of D-Bus', () => {
  it('are whole multiples, and are read as they were written', () => {
    const bytes = packCall({ ...call, serial: 7 })
    expect(messageLength(bytes)).toBe(bytes.length)
    expect(messageLength(bytes.subarray(0, 15))).toBeNull()
    expect(unpackMessage(bytes)).toEqual({ type: 'call', replyTo: 0, error: '', body: [['a', 'bc'], 'd'] })
  })

  it('that are damaged are refused, never read beyond their end', () => {
    const bytes = packCall({ ...call, serial: 7 })
    for (let at = 0; at < bytes.length; at += 1) {
      for (const value of [0, 1, 0x28, 0x7f, 0xff]) {
        const broken = Buffer.from(bytes)
        broken[at] = value
        try {
          const length = messageLength(broken)
          unpackMessage(broken.subarray(0, length ?? undefined))
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
        }
      }
      expect(() => unpackMessage(bytes.subarray(0, at))).toThrow()
    }
  })
})

describe('the bus', () => {
  it('says why there is none', async () => {
    const bus = createBus('/nowhere/at/all', clock)
    await expect(bus.call(call)).rejects.toThrow('ENOENT')
  })

  it('does not wait for one that lets nobody in, or says nothing that is meant', async () => {
    const socket = path.join(temporaryFolder(), 'bus')
    const server = net.createServer((peer) => {
      peer.on('error', () => undefined)
      peer.once('data', () => peer.write('REJECTED EXTERNAL\r\n'))
    })
    await new Promise<void>((resolve) => server.listen(socket, resolve))
    onTestFinished(() => {
      server.close()
    })
    await expect(createBus(socket, clock).call(call)).rejects.toThrow('does not let this user in')
  })
})

describe.skipIf(!canRun)('services of systemd', () => {
  it('are told without a program: what failed, what is watched, how many there are', async () => {
    const address = await privateBus()
    const socket = /unix:path=([^,]+)/.exec(address)?.[1] ?? ''
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL('../../support/fake-systemd.ts', import.meta.url))],
      {
        env: { ...process.env, DBUS_SESSION_BUS_ADDRESS: address },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    onTestFinished(() => {
      child.kill()
    })
    await new Promise<void>((resolve) =>
      createInterface({ input: child.stdout }).once('line', () => resolve()),
    )
    const real = systemFiles()
    const files: SystemFiles = {
      ...real,
      names: (folder) => (folder.startsWith('/run/systemd') ? ['system'] : real.names(folder)),
    }
    const bus = createBus(socket, clock)
    onTestFinished(() => bus.close())
    const worker = servicesWorker(files, bus, { read: () => Promise.resolve(null) }, () => [
      'good.service',
      'away.service',
    ])
    const runner = createRunner(clock)
    const report = await runner.run([worker])
    expect(rowsIn(report, 'Services_failed')).toEqual([
      {
        unit: 'bad.service',
        active: 'failed',
        sub: 'failed',
        loaded: 'loaded',
        description: 'About bad.service – ünïcode',
      },
    ])
    expect(rowsIn(report, 'Services_states')).toEqual([{ system: 'degraded', units: 2_002, failed: 1 }])
    expect(rowsIn(report, 'Services_watched').map(({ unit, active }) => [unit, active])).toEqual([
      ['good.service', 'active'],
      ['away.service', 'inactive'],
    ])
    const [many] = await bus.call({
      destination: 'org.freedesktop.systemd1',
      path: '/org/freedesktop/systemd1',
      interface: 'org.freedesktop.systemd1.Manager',
      member: 'ListUnits',
      args: [],
    })
    expect(many).toHaveLength(2_002)
    await expect(bus.call({ ...call, destination: 'org.freedesktop.systemd1' })).rejects.toThrow()
    child.kill()
    await new Promise((resolve) => child.once('exit', resolve))
    const later = await runner.run([worker])
    expect(JSON.stringify(later.worker_reports[0]?.function_reports[0]?.data)).toMatch(/"error".*systemd1/)
  }, 30_000)
})
