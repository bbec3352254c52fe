import net from 'node:net'
import { defaultTid } from '../../electron/shared/telemetry-words.ts'

/** What a client of telemetrics before 2.4 sends: names in small letters with underscores. */
export const clientHeaders: Readonly<Record<string, string>> = {
  record_format_version: '4',
  classification: 'org.clearlinux/hello/world',
  severity: '1',
  machine_id: 'a3b8541ac63cbec1d2871ae701ce432b',
  creation_timestamp: '1795255672',
  arch: 'x86_64',
  host_type: 'no_sv_file|no_pn_file|no_pvr_file',
  build: '"12"',
  kernel_version: '6.18.44-fc-v509',
  payload_format_version: '1',
  system_name: 'debian',
  board_name: 'no_bn_file|no_bv_file',
  cpu_model: 'AMD EPYC',
  bios_version: 'no_bv_file',
  event_id: '7bd840681e0a2f2d28b7b1bd3bf9610c',
  'X-Telemetry-TID': defaultTid,
  'Content-Type': 'application/text',
}

let made = 0
/** An event id that no other record has. */
export function eventId(): string {
  made += 1
  return made.toString(16).padStart(32, '0')
}

/** Sends bytes as they are and returns everything that comes back until the server has said a whole answer, or ends. */
export function sendRaw(origin: string, text: string | Buffer, then?: string | Buffer): Promise<string> {
  const { hostname, port } = new URL(origin)
  return new Promise((resolve, reject) => {
    const socket = net.connect(Number(port), hostname)
    let said = ''
    socket.setTimeout(5_000, () => socket.destroy(new Error(`no whole answer: ${said}`)))
    socket.on('data', (chunk: Buffer) => {
      said += chunk.toString('latin1')
      if (said.startsWith('HTTP/1.1 100') && then !== undefined) {
        said = said.replace(/^HTTP\/1\.1 100[^\r]*\r\n\r\n/, '[100] ')
        socket.write(then)
      }
    })
    socket.on('end', () => resolve(said))
    socket.on('error', reject)
    socket.write(text)
  })
}
