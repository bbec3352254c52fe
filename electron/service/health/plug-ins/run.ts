import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import path from 'node:path'
import type { Readable } from 'node:stream'
import type { Clock } from '../../clock.ts'
import type { Json, Row } from '../report.ts'
import { createFamily, markName } from './family.ts'

/** Running one plug-in: a program of its own, with limits of time, memory and output. */

export interface PlugInLimits {
  readonly seconds: number
  readonly megabytes: number
}

/** Output beyond this (bytes) is too much for a report. */
const mostBytes = 262_144
const mostRows = 500
const mostText = 2_000
/** Its memory is looked at this often (ms), where the system tells it without a program. */
const lookMs = 200
/** A plug-in that starts more processes than this goes on for ever. */
const mostProcesses = 200

/**
 * Returns the program and its arguments for a file; a module is run by Node, which gives what it exports as `default` the chance
 * to answer with rows.
 */
export function commandOf(
  file: string,
  { megabytes }: PlugInLimits,
  platform: NodeJS.Platform,
  node: string,
): { readonly program: string; readonly args: readonly string[] } {
  switch (path.extname(file).toLowerCase()) {
    case '.mjs':
    case '.js':
      return {
        program: node,
        args: [`--max-old-space-size=${megabytes}`, '--input-type=module', '--eval', moduleHost, '--', file],
      }
    case '.ps1':
      return { program: 'powershell.exe', args: ['-NoProfile', '-NonInteractive', '-File', file] }
    case '.cmd':
    case '.bat':
      return platform === 'win32'
        ? { program: 'cmd.exe', args: ['/d', '/c', file] }
        : { program: file, args: [] }
    default:
      return { program: file, args: [] }
  }
}

const moduleHost = `
import { pathToFileURL } from 'node:url'
const fail = (error) => {
  process.stderr.write(String(error?.message ?? error), () => process.exit(1))
}
process.on('uncaughtException', fail)
try {
  const { default: answer } = await import(pathToFileURL(process.argv.at(-1)).href)
  process.stdout.write(JSON.stringify(typeof answer === 'function' ? await answer() : answer) ?? '')
} catch (error) {
  fail(error)
}
`

/** What runs of plug-ins share. */
export interface RunParts {
  readonly pageBytes: number
  /** Ends what runs; each run adds its own while it lasts. */
  readonly running: Set<() => void>
  /** The program that runs modules. */
  readonly node?: string
}

/** Runs a plug-in and returns its rows. @throws Error with what went wrong, in words for its author */
export function runPlugIn(
  clock: Clock,
  file: string,
  limits: PlugInLimits,
  {
    pageBytes,
    running,
    node = process.versions['electron'] === undefined ? process.execPath : 'node',
  }: RunParts,
): Promise<readonly Row[]> {
  const { program, args } = commandOf(file, limits, process.platform, node)
  return new Promise((resolve, reject) => {
    const isGroup = process.platform !== 'win32'
    const mark = randomUUID()
    const family = process.platform === 'linux' ? createFamily(mark, pageBytes) : null
    const child = spawn(program, [...args], {
      cwd: path.dirname(file),
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...bareEnvironment(), [markName]: mark },
      windowsHide: true,
      // A group of its own, so that what it starts ends with it.
      detached: isGroup,
    })
    if (child.pid !== undefined) family?.begin(child.pid)
    // Where descriptors have run out there are no streams, whatever their types say.
    const streams = [child.stdout, child.stderr] as readonly (Readable | undefined)[]
    let output: Buffer[] = []
    let length = 0
    let errors = ''
    let isOver = false
    const finish = (done: () => void): void => {
      if (isOver) return
      isOver = true
      timer.cancel()
      look?.cancel()
      running.delete(stopped)
      endAll()
      // What left its group may go on to write, but nobody reads it any more.
      for (const stream of streams) stream?.destroy()
      done()
    }
    const fail = (why: string): void => finish(() => reject(new Error(why)))
    const stopped = (): void => fail('the service is stopping')
    running.add(stopped)
    const endAll = (): void => {
      if (child.pid === undefined) return
      try {
        if (isGroup) process.kill(-child.pid, 'SIGKILL')
        else child.kill('SIGKILL')
      } catch {
        // It has ended by itself.
      }
      family?.end()
    }
    const timer = clock.after(limits.seconds * 1_000, () =>
      fail(`it took longer than ${limits.seconds} s and was ended`),
    )
    const lookAtMemory = (): void => {
      if (isOver || family === null) return
      const { bytes, count } = family.measure()
      if (bytes > limits.megabytes * 1_048_576 * grace(file))
        fail(`it took more than ${limits.megabytes} MB of memory and was ended`)
      else if (count > mostProcesses) fail(`it started more than ${mostProcesses} processes and was ended`)
      else look = clock.after(lookMs, lookAtMemory)
    }
    let look = family !== null ? clock.after(lookMs / 4, lookAtMemory) : null
    child.on('error', (error) => fail(`it could not be started: ${startFault(error, program)}`))
    streams[0]?.on('data', (chunk: Buffer) => {
      length += chunk.length
      output.push(chunk)
      if (length <= mostBytes) return
      output = []
      fail(`it wrote more than ${mostBytes / 1_024} kB and was ended`)
    })
    streams[1]?.on('data', (chunk: Buffer) => {
      errors = (errors + chunk.toString()).slice(0, 2_000)
    })
    // What it leaves behind may hold its output open, and would be there once more after the next run.
    child.on('exit', endAll)
    child.on('close', (code, signal) => {
      const said =
        errors
          .trim()
          .split('\n')
          .find((line) => /\S/.test(line)) ?? ''
      if (code !== 0)
        fail(`it ended with ${signal ?? `exit code ${code}`}${said === '' ? '' : `: ${said.slice(0, 300)}`}`)
      else finish(() => answer(Buffer.concat(output).toString(), resolve, reject))
    })
  })
}

/** Node itself takes room beside what its limit counts. */
const grace = (file: string): number => (/\.m?js$/i.test(file) ? 1.5 : 1)

function startFault(error: NodeJS.ErrnoException, program: string): string {
  if (error.code === 'EACCES') return 'it may not be executed'
  if (error.code === 'ENOENT') return `${program} is not there, or what its first line names is not`
  return error.message
}

/** Secrets of the service are nobody's business. */
function bareEnvironment(): NodeJS.ProcessEnv {
  const kept = ['PATH', 'Path', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'TEMP', 'TMP', 'SystemRoot', 'ComSpec', 'PATHEXT', 'USERPROFILE', 'APPDATA', 'LOCALAPPDATA', 'ProgramData', 'ProgramFiles'] // prettier-ignore
  return Object.fromEntries(
    kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  )
}

function answer(text: string, resolve: (rows: readonly Row[]) => void, reject: (error: Error) => void): void {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    reject(new Error(text.trim() === '' ? 'it wrote nothing' : 'what it wrote is no JSON'))
    return
  }
  const rows = Array.isArray(value) ? (value as unknown[]) : [value]
  if (rows.length > mostRows) reject(new Error(`it wrote more than ${mostRows} objects`))
  else if (!rows.every(isRow)) reject(new Error('it must write a JSON object, or a list of them'))
  else resolve(rows.map(shortened))
}

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function shortened(row: Row): Row {
  return Object.fromEntries(
    Object.entries(row).map(([key, value]): [string, Json] => [
      key.slice(0, 100),
      typeof value === 'string' ? value.slice(0, mostText) : value,
    ]),
  )
}
