/** How systemd is found on its bus: https://www.freedesktop.org/software/systemd/man/latest/org.freedesktop.systemd1.html */

export const systemd = {
  destination: 'org.freedesktop.systemd1',
  path: '/org/freedesktop/systemd1',
} as const

/** Where every system has the socket: the specification's “well-known” bus. */
export const systemBus = '/run/dbus/system_bus_socket'

/** Returns the socket of the bus of this user's own session; null where there is none. */
export function userBus(env: NodeJS.ProcessEnv): string | null {
  const folder = env['XDG_RUNTIME_DIR']
  return folder === undefined || folder === '' ? null : `${folder}/bus`
}

/** Returns a unit's object on the bus: what is neither letter nor digit is written as its code. */
export function unitPath(name: string): string {
  const escaped = [...Buffer.from(name)]
    .map((byte, index) => {
      const text = String.fromCharCode(byte)
      const isPlain = /[a-z]/i.test(text) || (index > 0 && /\d/.test(text))
      return isPlain ? text : `_${byte.toString(16).padStart(2, '0')}`
    })
    .join('')
  return `${systemd.path}/unit/${escaped}`
}
