import { spawn, type ChildProcess } from 'node:child_process'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

/** The built command, as `package.json` names it. */
export const command = fileURLToPath(new URL('../../dist/node/watchkeeper.js', import.meta.url))

/** A home without records of older tools, which a first start would import. */
const noHome = { HOME: path.join(os.tmpdir(), 'watchkeeper-test-no-home') }

export interface CliResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly uid?: number
  readonly input?: string
}

/** Runs the command to its end. */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return runProgram(process.execPath, [command, ...args], options)
}

/** Runs any program to its end. */
export function runProgram(
  file: string,
  args: readonly string[],
  { env, cwd, uid, input }: CliOptions = {},
): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, [...args], {
      env: { ...process.env, ...noHome, ...env },
      ...(cwd && { cwd }),
      ...(uid !== undefined && { uid, gid: uid }),
    })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
    child.stdin.on('error', () => undefined)
    child.stdin.end(input ?? '')
  })
}

/** A service in a process of its own. */
export interface ServeProcess {
  readonly child: ChildProcess
  readonly origin: string
  readonly key: string | null
  /** What it has written to standard error so far. */
  readonly errors: string[]
  /** Resolves with the next line of standard error, past or to come, that matches. */
  line(pattern: RegExp): Promise<string>
  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<{ code: number | null; ms: number }>
}

/** Starts `watchkeeper serve` on a free port and waits until it says where it is. */
export async function startServe(
  args: readonly string[],
  { env, uid }: CliOptions = {},
): Promise<ServeProcess> {
  const child = spawn(process.execPath, [command, 'serve', '--listen', '127.0.0.1:0', ...args], {
    env: { ...process.env, ...noHome, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid !== undefined && { uid, gid: uid }),
  })
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await ended
  })
  const errors: string[] = []
  const waiting = new Set<() => void>()
  createInterface({ input: child.stderr }).on('line', (line) => {
    errors.push(line)
    for (const wake of waiting) wake()
  })
  const address = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = /Open (http\S+)/.exec(line)?.[1]
      if (found !== undefined) resolve(found)
    })
    void ended.then((code) => reject(new Error(`serve ended with ${code}: ${errors.join('\n')}`)))
  })
  let seen = 0
  return {
    child,
    errors,
    origin: new URL(address).origin,
    key: /#key=(\S+)/.exec(address)?.[1] ?? null,
    line: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const at = errors.findIndex((line, index) => index >= seen && pattern.test(line))
          if (at < 0) return
          seen = at + 1
          waiting.delete(look)
          resolve(errors[at] ?? '')
        }
        waiting.add(look)
        void ended.then(() => reject(new Error(`serve ended before a line matched ${String(pattern)}`)))
        look()
      }),
    async end(signal) {
      const startedAt = performance.now()
      child.kill(signal)
      return { code: await ended, ms: performance.now() - startedAt }
    },
  }
}
