// What systemd answers on its bus, as far as health asks it, on the session bus of a test.
import dbus from 'dbus-next'

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
    ListUnits: { inSignature: '', outSignature: 'a(ssssssouso)' },
  },
})

const bus = dbus.sessionBus()
bus.export('/org/freedesktop/systemd1', new Manager('org.freedesktop.systemd1.Manager'))
await bus.requestName('org.freedesktop.systemd1', 0)
console.log('ready')
