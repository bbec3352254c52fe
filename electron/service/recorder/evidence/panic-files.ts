import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import type { StopEvidence } from '../gap-rules.ts'

/** Where a system leaves the last words of a crash. */
export interface PanicFolder {
  readonly folder: string
  readonly name: RegExp
  readonly source: string
}

/** pstore: https://www.kernel.org/doc/html/latest/admin-guide/pstore-blk.html; systemd-pstore(8) moves its files away. */
export const linuxPanicFolders: readonly PanicFolder[] = [
  { folder: '/sys/fs/pstore', name: /^dmesg-/, source: 'pstore' },
  { folder: '/var/lib/systemd/pstore', name: /^dmesg/, source: 'pstore' },
]

export const macPanicFolders: readonly PanicFolder[] = [
  { folder: '/Library/Logs/DiagnosticReports', name: /\.panic$/, source: 'panic file' },
]

const mostFiles = 50
const mostBytes = 262_144

/** Returns the panics whose files were written between two times: a crash is saved at the boot that follows it. */
export function evidenceFromPanicFiles(
  folders: readonly PanicFolder[],
  fromMs: number,
  toMs: number,
): StopEvidence[] {
  return folders.flatMap(({ folder, name, source }) =>
    filesIn(folder, name).flatMap((file): StopEvidence[] => {
      try {
        const atMs = statSync(file).mtimeMs
        if (atMs < fromMs || atMs > toMs) return []
        const text = panicLine(readFileSync(file).subarray(0, mostBytes).toString('utf8'))
        return text === null
          ? []
          : [{ source, atMs: Math.round(atMs), fact: 'panic', text: `${path.basename(file)}: ${text}` }]
      } catch {
        return []
      }
    }),
  )
}

/** Returns the line of a crash's last words that says what happened; null when it does not tell of a crash. */
export function panicLine(text: string): string | null {
  const lines = text.split('\n').map((line) => line.trim())
  const telling = lines.find((line) =>
    /Kernel panic - not syncing|^panic\(|"panicString"|BUG: unable to handle|Oops:/.test(line),
  )
  return telling ? telling.replace(/^<\d+>/, '').slice(0, 300) : null
}

function filesIn(folder: string, name: RegExp): string[] {
  try {
    if (!existsSync(folder)) return []
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => name.test(path.basename(file)))
      .slice(0, mostFiles)
      .map((file) => path.join(folder, file))
  } catch {
    return []
  }
}
