import type { Clock } from '../../../clock.ts'
import { notOffered, type Row } from '../../report.ts'
import { rounded, type SystemFiles } from '../files.ts'
import type { Worker } from '../worker.ts'

/** How well the kernel thinks its clock is kept. */
export interface KernelClock {
  readonly synchronised: boolean
  readonly offsetMs: number
  readonly maxErrorMs: number
  readonly ppm: number
}

/** Asks the kernel; null where it cannot be asked. */
export type AskKernelClock = () => Promise<KernelClock | null>

/** `struct timex` of 64-bit Linux: include/uapi/linux/timex.h. */
const timexBytes = 208
const at = { offset: 8, frequency: 16, maxError: 24, status: 40 } as const
/** STA_NANO: the offset is in nanoseconds. */
const nanoFlag = 0x2000
/** TIME_ERROR: the clock is not synchronised. */
const timeError = 5

/** Returns what a filled `struct timex` and the call's answer say. Pure. */
export function parseTimex(timex: Buffer, state: number): KernelClock {
  const status = timex.readInt32LE(at.status)
  const offset = Number(timex.readBigInt64LE(at.offset))
  return {
    synchronised: state !== timeError,
    offsetMs: offset / ((status & nanoFlag) === 0 ? 1e3 : 1e6),
    maxErrorMs: Number(timex.readBigInt64LE(at.maxError)) / 1e3,
    // Parts per million with 16 bits after the point.
    ppm: Number(timex.readBigInt64LE(at.frequency)) / 65_536,
  }
}

/** Returns a way to ask the kernel by adjtimex(2), which without a mode changes nothing. */
export function kernelClock(
  platform: NodeJS.Platform = process.platform,
  arch: string = process.arch,
): AskKernelClock {
  const isKnown = platform === 'linux' && ['x64', 'arm64', 'riscv64', 'loong64'].includes(arch)
  let ask: (() => KernelClock | null) | null | undefined
  return async () => {
    if (!isKnown) return null
    if (ask === undefined) ask = await load()
    return ask?.() ?? null
  }
}

async function load(): Promise<(() => KernelClock | null) | null> {
  try {
    const { default: koffi } = await import('koffi')
    const adjtimex = koffi.load('libc.so.6').func('int adjtimex(void *)')
    const timex = Buffer.alloc(timexBytes)
    return () => {
      timex.fill(0)
      const state = adjtimex(timex) as number
      return state < 0 ? null : parseTimex(timex, state)
    }
  } catch {
    // Another C library, such as musl's.
    return null
  }
}

export function clockWorker(files: SystemFiles, clock: Clock, ask: AskKernelClock): Worker {
  return {
    name: 'Clock',
    functions: [
      {
        name: 'Clock_sync',
        run: async (): Promise<readonly Row[]> => {
          const found = await ask()
          if (found === null)
            return notOffered('the kernel of this system does not say how its clock is kept')
          return [
            {
              synchronised: found.synchronised,
              offset_ms: rounded(found.offsetMs, 3),
              // An error that only grows says nothing more.
              max_error_ms: rounded(found.maxErrorMs, 3),
              drift_ppm: rounded(found.ppm, 3),
              kept_by: keeperOf(files),
            },
          ]
        },
      },
      {
        name: 'Clock_zone',
        run: () => [
          {
            zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
            utc_offset_minutes: -new Date(clock.glance().wallMs).getTimezoneOffset(),
          },
        ],
      },
    ],
  }
}

/** Folders and files by which time services show that they run. */
const keepers = [
  { folder: '/run/chrony', name: 'chrony' },
  { folder: '/run/systemd/timesync', name: 'systemd-timesyncd' },
  { folder: '/run/ntpd', name: 'ntpd' },
  { folder: '/run/openntpd', name: 'openntpd' },
] as const

function keeperOf(files: SystemFiles): string | null {
  return keepers.find(({ folder }) => files.names(folder).length > 0)?.name ?? null
}
