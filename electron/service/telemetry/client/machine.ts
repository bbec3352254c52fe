import { readFileSync } from 'node:fs'
import os from 'node:os'
import type { NewRecord } from '../schema.ts'

/** What this machine says of itself in a record, as telemetrics' client does. */

/** The fields of a record that are the machine's. */
export type MachineFields = Pick<
  NewRecord,
  'arch' | 'hostType' | 'kernel' | 'board' | 'cpu' | 'bios' | 'system' | 'build'
>

/** What the machine is read from; given by parameter so that tests read another one. */
export interface MachineSource {
  readonly platform: NodeJS.Platform
  readonly arch: string
  readonly release: string
  readonly cpu: string
  /** Returns a file's text; null when it cannot be read. */
  read(file: string): string | null
}

/** Node's names of processors as `uname -m` has them. */
const architectures: Readonly<Record<string, string>> = {
  x64: 'x86_64',
  arm64: 'aarch64',
  arm: 'armv7l',
  ia32: 'i686',
  ppc64: 'ppc64le',
}
const systems: Readonly<Partial<Record<NodeJS.Platform, string>>> = { darwin: 'macos', win32: 'windows' }

export const thisMachine: MachineSource = {
  platform: process.platform,
  arch: process.arch,
  release: os.release(),
  cpu: os.cpus()[0]?.model ?? '',
  read(file) {
    try {
      return readFileSync(file, 'utf8')
    } catch {
      return null
    }
  },
}

/** Returns what a machine says of itself. */
export function machineFields(source: MachineSource): MachineFields {
  const release = source.platform === 'linux' ? osRelease(source.read('/etc/os-release') ?? '') : null
  const dmi = (file: string, missing: string): string => {
    const text = source.read(`/sys/class/dmi/id/${file}`)
    return text === null ? missing : printable(text) || 'blank'
  }
  return {
    arch: architectures[source.arch] ?? source.arch,
    hostType: [
      dmi('sys_vendor', 'no_sv_file'),
      dmi('product_name', 'no_pn_file'),
      dmi('product_version', 'no_pvr_file'),
    ]
      .join('|')
      .slice(0, 249),
    kernel: kernelOf(source.release),
    board: `${dmi('board_name', 'no_bn_file')}|${dmi('board_vendor', 'no_bv_file')}`.slice(0, 199),
    cpu: (printable(source.cpu) || 'blank').slice(0, 80),
    bios: dmi('bios_version', 'no_bv_file').slice(0, 199),
    system: release?.system ?? systems[source.platform] ?? source.platform,
    build: release?.build ?? (source.release.replace(/[^-_a-zA-Z0-9.]/g, '') || '0'),
  }
}

/** Collectors want two dots. */
function kernelOf(release: string): string {
  return /^\d+\.\d+\./.test(release) ? release : `${/^\d+\.\d+/.exec(release)?.[0] ?? '0.0'}.0`
}

function osRelease(text: string): { readonly system: string; readonly build: string } {
  const of = (name: string): string =>
    (new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1] ?? '').replace(/["']/g, '').trim()
  const variant = of('VARIANT_ID')
  const system = of('ID') || 'unknown'
  const build = (of('VERSION_ID') || '0').replace(/[^-_a-zA-Z0-9.]/g, '')
  return { system: variant === '' ? system : `${system}_${variant}`, build: build || '0' }
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '').trim()
}
