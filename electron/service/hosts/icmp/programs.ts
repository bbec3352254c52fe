import { spawn, type ChildProcessByStdio } from 'node:child_process'
import type { Readable } from 'node:stream'

/** Running small programs of the system. */

const longestRunMs = 70_000

/** Runs a program to its end; null when it is not there. What it writes is cut at 100 kB. */
export function runToEnd(
  program: string,
  args: readonly string[],
): Promise<{ readonly code: number | null; readonly output: string; readonly errors: string } | null> {
  return new Promise((resolve) => {
    const child = start(program, args)
    if (child === null) {
      resolve(null)
      return
    }
    let output = ''
    let errors = ''
    child.stdout.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(0, 100_000)))
    child.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(0, 100_000)))
    child.on('error', ({ name }) => {
      // One that was ended for taking too long still closes.
      if (name !== 'AbortError') resolve(null)
    })
    child.on('close', (code) => resolve({ code, output, errors }))
  })
}

/** Starts a program without input; null when it cannot be, as for want of file descriptors. */
export function start(
  program: string,
  args: readonly string[],
): ChildProcessByStdio<null, Readable, Readable> | null {
  try {
    const child = spawn(program, [...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C' },
      // Its own `timeout` would keep this process alive for all of it when the program is not there.
      signal: AbortSignal.timeout(longestRunMs),
      windowsHide: true,
    })
    // Where no pipe could be made the streams are missing, whatever their type says.
    if ((child.stdout as unknown) && (child.stderr as unknown)) return child
    child.on('error', () => undefined)
    child.kill()
    return null
  } catch {
    return null
  }
}
