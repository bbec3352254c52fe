import os from 'node:os'
import type { SystemFiles } from '../files.ts'

/** `struct sysinfo` of 64-bit Linux, with room to spare: sysinfo(2). */
const sysinfoBytes = 128
const loadsAt = 8
/** Loads are fixed-point numbers with 16 bits after the point: SI_LOAD_SHIFT. */
const loadUnit = 65_536

/** Returns the three load averages in a filled `struct sysinfo`. Pure. */
export function parseLoads(sysinfo: Buffer): number[] {
  return [0, 1, 2].map((index) => Number(sysinfo.readBigUInt64LE(loadsAt + 8 * index)) / loadUnit)
}

/**
 * Returns a way to ask for the load averages. system-health-daemon printed them unrounded, as the kernel has them, while the file
 * and Node, which reads it, have two digits; those are told where the kernel cannot be asked.
 */
export function loadAverages(
  files: SystemFiles,
  arch: string = process.arch,
): () => Promise<readonly number[]> {
  const isKnown = ['x64', 'arm64', 'riscv64', 'loong64'].includes(arch)
  let ask: Promise<(() => number[]) | null> | null = null
  return async () => {
    if (files.root !== '/') return (files.text('/proc/loadavg') ?? '').split(' ').slice(0, 3).map(Number)
    ask ??= isKnown ? load() : Promise.resolve(null)
    return (await ask)?.() ?? os.loadavg()
  }
}

async function load(): Promise<(() => number[]) | null> {
  try {
    const { default: koffi } = await import('koffi')
    const sysinfo = koffi.load('libc.so.6').func('int sysinfo(void *)')
    const filled = Buffer.alloc(sysinfoBytes)
    return () => (sysinfo(filled) === 0 ? parseLoads(filled) : os.loadavg())
  } catch {
    // Another C library, such as musl's.
    return null
  }
}
