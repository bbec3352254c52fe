import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/** The file by which a daemon is known: its process id and a newline. */

/** Returns the process id in a pidfile; null when there is no such file or it holds none. */
export function readPid(file: string): number | null {
  try {
    const text = readFileSync(file, 'utf8').trim()
    return /^\d{1,10}$/.test(text) && Number(text) > 0 ? Number(text) : null
  } catch {
    return null
  }
}

/**
 * Returns the process id of the daemon that a pidfile names, if it runs. One that crashed leaves its file behind, and its number
 * may meanwhile be another program's: on Linux the command line tells.
 */
export function runningPid(file: string): number | null {
  const pid = readPid(file)
  if (pid === null || !isAlive(pid)) return null
  if (process.platform !== 'linux') return pid
  const words = commandLine(pid)
  const isOurs =
    words === null || words.some((word, index) => word === '--pidfile' && words[index + 1] === file)
  return isOurs ? pid : null
}

/** Returns true when a process is there. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return commandState(pid) !== 'Z'
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** A process that has ended and was not asked after is no longer a daemon. */
function commandState(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2, text.lastIndexOf(')') + 3)
  } catch {
    return ''
  }
}

function commandLine(pid: number): string[] | null {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    return null
  }
}

/** Takes a pidfile for this process; false when a daemon has it. A stale one is replaced. @throws the system's error */
export function takePidfile(file: string): boolean {
  mkdirSync(path.dirname(file), { recursive: true })
  for (let attempt = 0; attempt < 3; attempt += 1) {
    try {
      writeFileSync(file, `${process.pid}\n`, { flag: 'wx', mode: 0o644 })
      return true
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
      if (runningPid(file) !== null) return false
      rmSync(file, { force: true })
    }
  }
  return false
}

/** Removes a pidfile if it is this process's. */
export function dropPidfile(file: string): void {
  if (readPid(file) === process.pid) rmSync(file, { force: true })
}
