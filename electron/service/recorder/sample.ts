import os from 'node:os'
import type { Power } from './power.ts'
import type { MachineSample } from './schema.ts'

/** Returns a function that samples the machine for a stamp. */
export function machineSampler(platform: NodeJS.Platform, readPower: () => Power): () => MachineSample {
  return () => ({
    load: platform === 'win32' ? null : Math.round((os.loadavg()[0] ?? 0) * 100) / 100,
    memoryFree: os.freemem(),
    memoryTotal: os.totalmem(),
    ...readPower(),
  })
}

/** Returns the system's name and build, such as `Linux 6.1.0-18-amd64 #1 SMP …`. */
export function systemBuild(): string {
  return `${os.type()} ${os.release()} ${os.version()}`.slice(0, 200)
}
