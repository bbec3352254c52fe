import {
  accessSync,
  chmodSync,
  constants,
  linkSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
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

/** Returns why it cannot be told whether a file is there and what it holds, as a sentence; null when it can. */
export function readingFault(file: string): string | null {
  try {
    accessSync(file, constants.R_OK)
    return null
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    return code === 'EACCES' || code === 'EPERM' ? `${file} cannot be read: permission denied` : null
  }
}

/**
 * Returns the process id of the daemon that a pidfile names, if it runs. One that crashed leaves its file behind, and its number
 * may meanwhile be another program's: on Linux the command line tells.
 */
export function runningPid(file: string): number | null {
  const pid = readPid(file)
  if (pid === null || !isAlive(pid)) return null
  if (process.platform !== 'linux' || pid === process.pid) return pid
  const named = pidfileOf(pid)
  return named === undefined || sameFile(named, file) ? pid : null
}

/** Returns true when a process is there. One that has ended and was not asked after is no longer. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.charAt(stat.lastIndexOf(')') + 2) !== 'Z'
  } catch {
    return true
  }
}

/** Returns the pidfile that a process was given; null when it was given none, undefined when that cannot be told. */
function pidfileOf(pid: number): string | null | undefined {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    const at = words.findIndex((word) => word === '--pidfile' || word.startsWith('--pidfile='))
    if (at < 0) return null
    const named = words[at]?.startsWith('--pidfile=') ? words[at].slice('--pidfile='.length) : words[at + 1]
    return path.resolve(readlinkSync(`/proc/${pid}/cwd`), named ?? '')
  } catch {
    return undefined
  }
}

/** `/var/run` and `/run` are the same folder. */
function sameFile(one: string | null, other: string): boolean {
  if (one === null) return false
  try {
    return realpathSync(one) === realpathSync(other)
  } catch {
    return path.resolve(one) === path.resolve(other)
  }
}

/** Takes a pidfile for this process; false when a daemon has it. A stale one is replaced. @throws the system's error */
export function takePidfile(file: string): boolean {
  // Made whole before it has its name, so that nobody ever reads half of it.
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, `${process.pid}\n`, { mode: 0o644 })
  try {
    // Anybody may ask whether it runs, whatever the service's files are otherwise.
    chmodSync(draft, 0o644)
    for (let attempt = 0; attempt < 3; attempt += 1) {
      try {
        linkSync(draft, file)
        return true
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
        if (runningPid(file) !== null) return false
        rmSync(file, { force: true })
      }
    }
    return false
  } finally {
    rmSync(draft, { force: true })
  }
}

/** Removes a pidfile if it is this process's. */
export function dropPidfile(file: string): void {
  if (readPid(file) === process.pid) rmSync(file, { force: true })
}
