import type { Clock, Timer } from '../../service/clock.ts'

/** Tells systemd how the service is: https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html */
export interface SystemdNotifier {
  /** True where systemd waits for words. */
  readonly isListening: boolean
  /** Says that the service is there, and from then on, as often as asked for, that its event loop goes on. */
  ready(status: string): void
  stopping(): void
}

const silent: SystemdNotifier = { isListening: false, ready: () => undefined, stopping: () => undefined }

const unixFamily = 1
/** SOCK_DGRAM | SOCK_CLOEXEC of Linux */
const datagram = 2 | 0x80000
/** MSG_NOSIGNAL */
const noSignal = 0x4000
/** `sun_path` of unix(7) */
const mostPath = 108

/** Returns the notifier of this process; one that does nothing where nobody listens. Node has no sockets of this kind, so libc sends. */
export async function systemdNotifier(clock: Clock, env: NodeJS.ProcessEnv): Promise<SystemdNotifier> {
  const path = env['NOTIFY_SOCKET']
  const periodMs = Number(env['WATCHDOG_USEC'] ?? 0) / 1_000
  const isForUs = env['WATCHDOG_PID'] === undefined || Number(env['WATCHDOG_PID']) === process.pid
  // Programs that the service starts must not speak in its name.
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[name]
  if (process.platform !== 'linux' || path === undefined || !/^[/@]/.test(path)) return silent
  const send = await loadSender(path)
  if (send === null) return silent
  let timer: Timer | null = null
  const beat = (): void => {
    send('WATCHDOG=1')
    timer = clock.after(periodMs / 3, beat)
  }
  return {
    isListening: true,
    ready(status) {
      send(`READY=1\nSTATUS=${status}\nMAINPID=${process.pid}`)
      if (periodMs > 0 && isForUs) beat()
    },
    stopping() {
      timer?.cancel()
      send('STOPPING=1')
    },
  }
}

async function loadSender(path: string): Promise<((text: string) => void) | null> {
  // A name that begins with @ is an abstract one, which has no file.
  const name = Buffer.from(path.startsWith('@') ? `\0${path.slice(1)}` : path)
  if (name.length >= mostPath) return null
  const address = Buffer.alloc(2 + mostPath)
  address.writeUInt16LE(unixFamily, 0)
  name.copy(address, 2)
  const length = 2 + name.length + (path.startsWith('@') ? 0 : 1)
  try {
    const { default: koffi } = await import('koffi')
    const libc = koffi.load('libc.so.6')
    const socket = libc.func('int socket(int, int, int)')
    const sendTo = libc.func('int64_t sendto(int, void *, size_t, int, void *, uint32_t)')
    const fd = socket(unixFamily, datagram, 0) as number
    if (fd < 0) return null
    return (text) => {
      const bytes = Buffer.from(text)
      sendTo(fd, bytes, bytes.length, noSignal, address, length)
    }
  } catch {
    return null
  }
}
