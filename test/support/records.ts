import type { NewRecord } from '../../electron/service/telemetry/schema.ts'

/** Returns a record as a client of format 4 sends it. */
export function aRecord(change: Partial<NewRecord> = {}): NewRecord {
  sent += 1
  return {
    recordVersion: 4,
    severity: 1,
    classification: 'org.clearlinux/hello/world',
    machine: 'a3b8541ac63cbec1d2871ae701ce432b',
    clientS: 1_795_255_672,
    arch: 'x86_64',
    hostType: 'Acme|Box|1',
    kernel: '6.18.44-fc',
    board: 'N/A',
    cpu: 'AMD EPYC',
    bios: 'N/A',
    event: sent.toString(16).padStart(32, '0'),
    system: 'clear-linux-os',
    build: '41000',
    payloadVersion: 1,
    external: false,
    payload: 'hello\n',
    ...change,
  }
}
let sent = 0

/** Returns the payload of a crash whose thread has these frames, written as `function module`. */
export function crashPayload(...frames: readonly string[]): string {
  const lines = frames.map((frame, index) => {
    const at = frame.lastIndexOf(' ')
    return `#${index} ${frame.slice(0, at)} - [${frame.slice(at + 1)}]`
  })
  return `Process: /usr/bin/app\nPID: 8187\nSignal: 11\n\nBacktrace (TID 8187):\n${lines.join('\n')}\n`
}

/** Returns a crash with these frames. */
export function aCrash(frames: readonly string[], change: Partial<NewRecord> = {}): NewRecord {
  return aRecord({
    classification: 'org.clearlinux/crash/clr',
    severity: 3,
    payload: crashPayload(...frames),
    ...change,
  })
}
