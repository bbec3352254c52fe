import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync, type Dirent } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import type { ClientSource } from '../../../../shared/api/telemetry.ts'
import type { Connection } from '../../../store/open.ts'
import { coredumpMessage, coredumpPayload } from './coredump.ts'
import { findOopses } from './oops.ts'
import { ipsPayload, minidumpPayload, werPayload } from './reports.ts'

/** Where this machine tells of crashes. Nothing is read before its user has said yes. */

/** A crash that was found. */
export interface Found {
  readonly classification: string
  readonly severity: number
  readonly payload: string
  readonly atMs: number
}

/** What a look brought, and where the next one goes on. */
export interface Look {
  readonly found: readonly Found[]
  readonly cursor: string
}

/** One place that tells of crashes. */
export interface Source {
  readonly source: ClientSource
  readonly text: string
  /** How often it is looked at (ms). */
  readonly everyMs: number
  /** Whether this machine has it. */
  offered(): boolean
  /** Returns what came since the cursor, or since a time (ms) when there is none yet. */
  look(cursor: string | null, sinceMs: number): Promise<Look>
}

const run = promisify(execFile)
const mostOutput = 32 * 1_048_576
const commandMs = 20_000
const folderMs = 3_000
const journalMs = 30_000
const mostFileBytes = 64 * 1_048_576
const mostDepth = 4
/** Files that are remembered as seen; those that are gone are forgotten. */
const mostRemembered = 2_000

/** Returns the sources of this machine. */
export function machineSources(db: Connection, databaseFolder: string): readonly Source[] {
  const home = os.homedir()
  const isLinux = process.platform === 'linux'
  return [
    {
      source: 'core-dumps',
      text: 'Programs that crashed, from systemd-coredump',
      everyMs: journalMs,
      offered: () => isLinux && existsSync('/run/systemd/journal'),
      look: (cursor, sinceMs) =>
        lookInJournal([`MESSAGE_ID=${coredumpMessage}`], cursor, sinceMs, (entries) =>
          entries.flatMap((entry) => {
            const payload = coredumpPayload(entry)
            return payload === null
              ? []
              : [
                  {
                    classification: 'org.watchkeeper/crash/core-dump',
                    severity: 3,
                    payload,
                    atMs: timeOf(entry),
                  },
                ]
          }),
        ),
    },
    {
      source: 'kernel',
      text: 'Faults of the Linux kernel, from the journal',
      everyMs: journalMs,
      offered: () => isLinux && existsSync('/run/systemd/journal'),
      look: (cursor, sinceMs) =>
        lookInJournal(['_TRANSPORT=kernel'], cursor, sinceMs, (entries) =>
          findOopses(entries.map(({ MESSAGE }) => (typeof MESSAGE === 'string' ? MESSAGE : ''))).map(
            ({ kind, severity, payload, line }) => ({
              classification: `org.watchkeeper/kernel/${kind}`,
              severity,
              payload,
              atMs: timeOf(entries[line] ?? {}),
            }),
          ),
        ),
    },
    folderSource(
      'mac-reports',
      'Crash reports of macOS (.ips)',
      [path.join(home, 'Library/Logs/DiagnosticReports'), '/Library/Logs/DiagnosticReports'],
      process.platform === 'darwin',
      {
        pattern: /\.ips$/,
        classification: 'org.watchkeeper/crash/macos',
        read: (bytes) => ipsPayload(bytes.toString('utf8')),
      },
    ),
    folderSource(
      'windows-reports',
      'Windows Error Reporting',
      ['ReportArchive', 'ReportQueue'].map((name) =>
        path.join(process.env['ProgramData'] ?? 'C:\\ProgramData', 'Microsoft', 'Windows', 'WER', name),
      ),
      process.platform === 'win32',
      { pattern: /[\\/]Report\.wer$/i, classification: 'org.watchkeeper/crash/windows', read: werPayload },
    ),
    folderSource(
      'app-dumps',
      'Crashes of the Watchkeeper app itself (Crashpad)',
      ['completed', 'pending', 'reports', 'new'].map((name) => path.join(databaseFolder, 'Crashpad', name)),
      true,
      { pattern: /\.dmp$/, classification: 'org.watchkeeper/crash/app', read: minidumpPayload },
    ),
    uncleanEnds(db),
  ]
}

/** Returns a source that finds files in folders, and in folders of these. */
export function folderSource(
  source: ClientSource,
  text: string,
  folders: readonly string[],
  isOffered: boolean,
  {
    pattern,
    classification,
    read,
  }: { readonly pattern: RegExp; readonly classification: string; read(bytes: Buffer): string | null },
): Source {
  return {
    source,
    text,
    everyMs: folderMs,
    offered: () => isOffered,
    look(cursor, sinceMs) {
      // What was seen is known by name and time, so a file whose time lies ahead hides none that come after it.
      const seen = new Set<string>(cursor === null ? [] : (JSON.parse(cursor) as string[]))
      const files = folders
        .flatMap((folder) => filesIn(folder))
        .filter((file) => pattern.test(file.path) && file.atMs > sinceMs)
      const named = files.map((file) => ({ ...file, name: `${file.path} ${file.atMs}` }))
      const found = named
        .filter(({ name }) => !seen.has(name))
        .flatMap(({ path: file, atMs }): Found[] => {
          const payload = payloadOf(file, read)
          return payload ? [{ classification, severity: 3, payload, atMs }] : []
        })
      return Promise.resolve({
        found,
        cursor: JSON.stringify(named.map(({ name }) => name).slice(-mostRemembered)),
      })
    },
  }
}

/** Ends without a shutdown, as the recorder has told them. */
function uncleanEnds(db: Connection): Source {
  return {
    source: 'unclean-ends',
    text: 'Times at which this machine stopped without a shutdown, from the recorder',
    everyMs: folderMs,
    offered: () => true,
    look(cursor, sinceMs) {
      const rows = db
        .prepare(
          "SELECT id, at_ms, facts FROM transition WHERE room = 'recorder' AND item = 'machine' AND id > ? AND at_ms >= ? AND to_state = 'crashed' ORDER BY id",
        )
        .all(Number(cursor ?? 0), sinceMs) as { id: number; at_ms: number; facts: string }[]
      const found = rows.map(({ at_ms, facts }): Found => {
        const { text, details } = JSON.parse(facts) as { text: string; details: string[] }
        return {
          classification: 'org.watchkeeper/machine/unclean-end',
          severity: 3,
          payload: `${[text, ...details].join('\n')}\n`,
          atMs: at_ms,
        }
      })
      return Promise.resolve({ found, cursor: String(rows.at(-1)?.id ?? cursor ?? 0) })
    },
  }
}

/** Fields that are read of an entry of the journal; without a list its output can be without bounds. */
const journalFields = 'MESSAGE,COREDUMP_EXE,COREDUMP_COMM,COREDUMP_PID,COREDUMP_SIGNAL'

async function lookInJournal(
  matches: readonly string[],
  cursor: string | null,
  sinceMs: number,
  read: (entries: readonly Readonly<Record<string, unknown>>[]) => readonly Found[],
): Promise<Look> {
  const isFirst = cursor === null || cursor === ''
  const from = isFirst ? `--since=@${Math.floor(sinceMs / 1_000)}` : `--after-cursor=${cursor}`
  const { stdout } = await run(
    'journalctl',
    [
      '-o',
      'json',
      '--all',
      `--output-fields=${journalFields}`,
      '-q',
      '--no-pager',
      from,
      '-n',
      '20000',
      ...matches,
    ],
    { maxBuffer: mostOutput, timeout: commandMs, env: { ...process.env, LC_ALL: 'C' } },
  )
  const entries = stdout.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [decoded(JSON.parse(line) as Readonly<Record<string, unknown>>)]
    } catch {
      return []
    }
  })
  const last = entries.at(-1)?.['__CURSOR']
  return { found: read(entries), cursor: typeof last === 'string' ? last : (cursor ?? '') }
}

/** Text that is no UTF-8 comes as a list of bytes. */
function decoded(entry: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(entry).map(([name, value]) => [
      name,
      Array.isArray(value) && value.every((byte) => typeof byte === 'number')
        ? Buffer.from(value).toString('utf8')
        : value,
    ]),
  )
}

function timeOf(entry: Readonly<Record<string, unknown>>): number {
  const micros = Number(entry['__REALTIME_TIMESTAMP'])
  return Number.isFinite(micros) ? Math.floor(micros / 1_000) : 0
}

/** Folders and files that cannot be read hide no others. */
function filesIn(folder: string, depth = 0): { readonly path: string; readonly atMs: number }[] {
  let entries: Dirent[]
  try {
    entries = readdirSync(folder, { withFileTypes: true })
  } catch {
    return []
  }
  return entries.flatMap((entry) => {
    const file = path.join(folder, entry.name)
    if (entry.isDirectory()) return depth < mostDepth ? filesIn(file, depth + 1) : []
    if (!entry.isFile()) return []
    try {
      return [{ path: file, atMs: Math.floor(statSync(file).mtimeMs) }]
    } catch {
      return []
    }
  })
}

/** Returns the payload that a report makes; null when there is none in it, or it is damaged. */
function payloadOf(file: string, read: (bytes: Buffer) => string | null): string | null {
  try {
    return statSync(file).size > mostFileBytes ? null : read(readFileSync(file))
  } catch {
    return null
  }
}
