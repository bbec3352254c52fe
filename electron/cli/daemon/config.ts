import { readFileSync } from 'node:fs'
import { CommandError, exitCodes } from '../io.ts'

/** What system-health-daemon's configuration says. */
export interface DaemonConfig {
  readonly pidPath: string
  readonly outputLog: string
  readonly errorLog: string
  readonly intervalS: number
}

const keys = ['pid_path', 'output_log', 'error_log', 'interval'] as const

/**
 * Reads the configuration of system-health-daemon: INI with the section `[Collector]`, or without a section as its version 1.0
 * had it. @throws CommandError
 */
export function readDaemonConfig(file: string): DaemonConfig {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new CommandError(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`)
  }
  return parseDaemonConfig(text, file)
}

/** @throws CommandError */
export function parseDaemonConfig(text: string, file: string): DaemonConfig {
  const found = new Map<string, string>()
  let section = 'Collector'
  for (const line of text.split(/\r?\n/)) {
    const trimmed = line.trim()
    if (trimmed === '' || /^[#;]/.test(trimmed)) continue
    const named = /^\[([^\]]*)\]$/.exec(trimmed)?.[1]
    if (named !== undefined) {
      section = named
      continue
    }
    const [, key, value] = /^([^=:]+?)\s*[=:]\s*(.*)$/.exec(trimmed) ?? []
    if (key === undefined || value === undefined)
      throw new CommandError(`${file}: '${trimmed}' is not a line such as interval = 10`, exitCodes.usage)
    if (section === 'Collector') found.set(key.toLowerCase(), value)
  }
  const missing = keys.filter((key) => !found.get(key))
  if (missing.length > 0)
    throw new CommandError(`${file} lacks ${missing.join(', ')} in [Collector]`, exitCodes.usage)
  const interval = found.get('interval') ?? ''
  const intervalS = /^\d+$/.test(interval) ? Number(interval) : Number.NaN
  if (!(intervalS >= 1 && intervalS <= 3_600))
    throw new CommandError(
      `${file}: interval '${interval}' is not a whole number of seconds from 1 to 3600`,
      exitCodes.usage,
    )
  return {
    pidPath: found.get('pid_path') ?? '',
    outputLog: found.get('output_log') ?? '',
    errorLog: found.get('error_log') ?? '',
    intervalS,
  }
}
