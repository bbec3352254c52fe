// A small notification service on the session bus: prints each notice that it is shown as a line of JSON.
import dbus from 'dbus-next'

const { Interface } = dbus.interface
let count = 0

class Notifications extends Interface {
  Notify(
    app: string,
    replaces: number,
    _icon: string,
    summary: string,
    body: string,
    _actions: string[],
    hints: Record<string, { value: unknown }>,
    timeout: number,
  ): number {
    count += 1
    const plain = Object.fromEntries(
      Object.entries(hints).map(([name, { value }]) => [
        name,
        typeof value === 'bigint' ? Number(value) : value,
      ]),
    )
    console.log(JSON.stringify({ app, replaces, summary, body, hints: plain, timeout }))
    return count
  }
  GetCapabilities(): string[] {
    return ['body', 'body-markup']
  }
  GetServerInformation(): [string, string, string, string] {
    return ['test', 'watchkeeper', '1', '1.2']
  }
  CloseNotification(): void {
    // Nothing stays on the screen.
  }
}
Notifications.configureMembers({
  methods: {
    Notify: { inSignature: 'susssasa{sv}i', outSignature: 'u' },
    GetCapabilities: { inSignature: '', outSignature: 'as' },
    GetServerInformation: { inSignature: '', outSignature: 'ssss' },
    CloseNotification: { inSignature: 'u', outSignature: '' },
  },
})

const bus = dbus.sessionBus()
bus.export('/org/freedesktop/Notifications', new Notifications('org.freedesktop.Notifications'))
await bus.requestName('org.freedesktop.Notifications', 0)
console.log('ready')
