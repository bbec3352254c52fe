import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { StopEvidence } from '../gap-rules.ts'
import { evidenceFromJournal, evidenceFromNextBoot } from './journal.ts'
import { evidenceFromPmset, evidenceFromUnifiedLog } from './mac-logs.ts'
import { evidenceFromPanicFiles, linuxPanicFolders, macPanicFolders } from './panic-files.ts'
import { evidenceFromWindowsEvents, windowsEventIds } from './windows-events.ts'
import { evidenceFromWtmp, parseWtmp } from './wtmp.ts'

/** The gap that is to be explained. */
export interface Question {
  readonly endMs: number
  readonly beginMs: number
  /** The boot that ended; null when it has no name. */
  readonly bootId: string | null
}

/** Runs a program and returns what it printed; empty when it fails or is not there. */
export type RunProgram = (file: string, args: readonly string[]) => Promise<string>

const slackMs = 5 * 60_000
const mostPieces = 40
/** The power log goes back months, but the gaps that are explained lie at its end; bytes. */
const mostPowerLog = 2_000_000

/**
 * Asks this system's own records how the machine stopped in a gap. Takes seconds at most; what cannot be read is left out.
 */
export async function collectStopEvidence(
  question: Question,
  platform: NodeJS.Platform = process.platform,
  run: RunProgram = runProgram,
): Promise<StopEvidence[]> {
  const fromMs = question.endMs - slackMs
  const toMs = question.beginMs + slackMs
  const found = await collectFor(platform, question, run, fromMs, toMs)
  return found.filter(({ atMs }) => atMs === null || (atMs >= fromMs && atMs <= toMs)).slice(0, mostPieces)
}

async function collectFor(
  platform: NodeJS.Platform,
  { bootId }: Question,
  run: RunProgram,
  fromMs: number,
  toMs: number,
): Promise<StopEvidence[]> {
  switch (platform) {
    case 'linux': {
      const fields = '--output-fields=MESSAGE,SYSLOG_IDENTIFIER,_COMM,_PID'
      const boot = bootId?.replaceAll('-', '') ?? ''
      const ended = /^[0-9a-f]{32}$/.test(boot)
        ? await run('journalctl', ['-q', '--no-pager', '-o', 'json', fields, '-b', boot, '-n', '500'])
        : ''
      const next = await run('journalctl', [
        '-q',
        '--no-pager',
        '-o',
        'json',
        fields,
        '-b',
        '0',
        '-t',
        'systemd-journald',
        '-n',
        '50',
      ])
      return [
        ...evidenceFromJournal(ended),
        ...evidenceFromNextBoot(next),
        ...evidenceFromWtmp(readWtmp(), fromMs, toMs),
        ...evidenceFromPanicFiles(linuxPanicFolders, fromMs, toMs),
      ]
    }
    case 'win32': {
      const ids = windowsEventIds.map((id) => `EventID=${id}`).join(' or ')
      const since = new Date(fromMs).toISOString()
      const query = `*[System[(${ids}) and TimeCreated[@SystemTime>='${since}']]]`
      return evidenceFromWindowsEvents(
        await run('wevtutil', ['qe', 'System', `/q:${query}`, '/f:xml', '/c:200']),
      )
    }
    case 'darwin': {
      const predicate =
        'eventMessage CONTAINS "shutdown cause" OR eventMessage CONTAINS "shutdown initiated" OR eventMessage CONTAINS "SHUTDOWN_TIME"'
      const log = await run('/usr/bin/log', [
        'show',
        '--style',
        'syslog',
        '--start',
        logTime(fromMs),
        '--end',
        logTime(toMs),
        '--predicate',
        predicate,
      ])
      return [
        ...evidenceFromUnifiedLog(log),
        ...evidenceFromPmset((await run('/usr/bin/pmset', ['-g', 'log'])).slice(-mostPowerLog)),
        ...evidenceFromPanicFiles(macPanicFolders, fromMs, toMs),
      ]
    }
    default:
      return []
  }
}

function readWtmp(): ReturnType<typeof parseWtmp> {
  try {
    return parseWtmp(readFileSync('/var/log/wtmp'))
  } catch {
    return []
  }
}

/** log(1) takes local time. */
function logTime(ms: number): string {
  const date = new Date(ms)
  const pad = (value: number): string => String(value).padStart(2, '0')
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`
}

/** Runs a program for at most 20 s and 16 MB of output, in the C locale. */
export const runProgram: RunProgram = (file, args) =>
  new Promise((resolve) => {
    const options = {
      timeout: 20_000,
      maxBuffer: 16 * 1024 * 1024,
      windowsHide: true,
      env: { ...process.env, LC_ALL: 'C' },
    }
    execFile(file, [...args], options, (error, stdout) => resolve(error ? '' : stdout))
  })
