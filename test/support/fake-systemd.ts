// What systemd answers on its bus, as far as health asks it, on the session bus of a test.
import dbus from 'dbus-next'

import { createInterface } from 'node:readline'

const { Interface, ACCESS_READ } = dbus.interface
type Unit = [string, string, string, string, string, string, string, number, string, string]
const unit = (name: string, active: string, sub: string): Unit => [
  name,
  `About ${name} – ünïcode`,
  'loaded',
  active,
  sub,
  '',
  '/',
  0,
  '',
  '/',
]
const units = [
  unit('good.service', 'active', 'running'),
  unit('bad.service', 'failed', 'failed'),
  ...Array.from({ length: 2_000 }, (_, index) => unit(`many-${index}.service`, 'active', 'running')),
]

const backupPath = '/org/freedesktop/systemd1/unit/backup_2eservice'
const awayPath = '/org/freedesktop/systemd1/unit/away_2eservice'

class About extends Interface {
  LoadState: string
  constructor(state: string) {
    super('org.freedesktop.systemd1.Unit')
    this.LoadState = state
  }
}
About.configureMembers({ properties: { LoadState: { signature: 's', access: ACCESS_READ } } })

/** The last run of backup.service, which the test tells by lines of JSON. */
class Service extends Interface {
  Result = 'success'
  ExecMainStartTimestamp = 0n
  ExecMainExitTimestamp = 0n
  ExecMainCode = 1
  ExecMainStatus = 0
}
Service.configureMembers({
  properties: {
    Result: { signature: 's', access: ACCESS_READ },
    ExecMainStartTimestamp: { signature: 't', access: ACCESS_READ },
    ExecMainExitTimestamp: { signature: 't', access: ACCESS_READ },
    ExecMainCode: { signature: 'i', access: ACCESS_READ },
    ExecMainStatus: { signature: 'i', access: ACCESS_READ },
  },
})

class Manager extends Interface {
  SystemState = 'degraded'
  NNames = units.length
  NFailedUnits = 1
  ListUnitsFiltered(states: string[]): Unit[] {
    return units.filter(([, , , active]) => states.includes(active))
  }
  ListUnitsByNames(names: string[]): Unit[] {
    return names.map((name) => units.find(([known]) => known === name) ?? unit(name, 'inactive', 'dead'))
  }
  LoadUnit(name: string): string {
    return name === 'backup.service' ? backupPath : awayPath
  }
  ListUnits(): Unit[] {
    return units
  }
}
Manager.configureMembers({
  properties: {
    SystemState: { signature: 's', access: ACCESS_READ },
    NNames: { signature: 'u', access: ACCESS_READ },
    NFailedUnits: { signature: 'u', access: ACCESS_READ },
  },
  methods: {
    ListUnitsFiltered: { inSignature: 'as', outSignature: 'a(ssssssouso)' },
    ListUnitsByNames: { inSignature: 'as', outSignature: 'a(ssssssouso)' },
    LoadUnit: { inSignature: 's', outSignature: 'o' },
    ListUnits: { inSignature: '', outSignature: 'a(ssssssouso)' },
  },
})

const bus = dbus.sessionBus()
bus.export('/org/freedesktop/systemd1', new Manager('org.freedesktop.systemd1.Manager'))
const service = new Service('org.freedesktop.systemd1.Service')
bus.export(backupPath, new About('loaded'))
bus.export(backupPath, service)
bus.export(awayPath, new About('not-found'))
bus.export(awayPath, new Service('org.freedesktop.systemd1.Service'))
createInterface({ input: process.stdin }).on('line', (line) => {
  const { result, endedMs, status } = JSON.parse(line) as { result: string; endedMs: number; status: number }
  service.Result = result
  service.ExecMainStatus = status
  service.ExecMainStartTimestamp = BigInt(endedMs - 30_000) * 1_000n
  service.ExecMainExitTimestamp = BigInt(endedMs) * 1_000n
  console.log('set')
})
await bus.requestName('org.freedesktop.systemd1', 0)
console.log('ready')
