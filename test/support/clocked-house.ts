import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Browser } from 'playwright-core'
import { onTestFinished } from 'vitest'
import { visit, type Visit } from './visit.ts'

/** How a service with a told clock begins. */
export interface ClockedStart {
  readonly database: string
  readonly wallMs: number
  readonly bootMs: number
  readonly bootId: string
  /** What the system's logs say of how the run before ended. */
  readonly evidence: never[]
  /** Folder in which only the service sees a small disk of its own. */
  readonly disk?: string
}

/** What its clock and its network are told. */
export type ClockedCommand =
  | { readonly do: 'pass'; readonly ms: number; readonly stepMs: number }
  | { readonly do: 'sleep' | 'step'; readonly ms: number }
  | { readonly do: 'cut' | 'mend' | 'stop' }
  | { readonly do: 'silence' | 'answer'; readonly address: string }
  /** Fills the disk up to the last byte, or makes room again. */
  | { readonly do: 'fill' | 'free'; readonly file: string }

/** A service in a process of its own, whose clock is told what to do, with its API and its pages. */
export interface ClockedHouse {
  readonly origin: string
  readonly key: string
  tell(command: ClockedCommand): Promise<{ readonly wallMs: number; readonly bootMs: number }>
  api<T>(method: string, route: string, body?: unknown): Promise<T>
  open(browser: Browser, hash: string): Promise<Visit>
  /** Ends as a power cut ends a machine. */
  kill(): Promise<void>
}

const program = fileURLToPath(new URL('./clocked-service.ts', import.meta.url))

/** Starts one; it ends with the test. */
export async function clockedHouse(start: ClockedStart): Promise<ClockedHouse> {
  const command = [process.execPath, program, JSON.stringify(start)]
  const [file = '', ...args] =
    start.disk === undefined
      ? command
      : [
          'unshare',
          '-rm',
          'sh',
          '-c',
          'mount -t tmpfs -o size=6m tmpfs "$0" && exec "$@"',
          start.disk,
          ...command,
        ]
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const kill = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await ended
  }
  onTestFinished(kill)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async <T>(): Promise<T> => {
    const { value, done } = await lines.next()
    if (done) throw new Error('the service ended')
    return JSON.parse(value) as T
  }
  const { origin, key } = await next<{ origin: string; key: string }>()
  return {
    origin,
    key,
    kill,
    tell(command) {
      child.stdin.write(`${JSON.stringify(command)}\n`)
      return next()
    },
    async api<T>(method: string, route: string, body?: unknown): Promise<T> {
      const response = await fetch(
        `${origin}/${route.startsWith('/') ? route.slice(1) : `api/v1/${route}`}`,
        {
          method,
          headers: { 'x-api-key': key, ...(body !== undefined && { 'content-type': 'application/json' }) },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        },
      )
      const text = await response.text()
      if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${text}`)
      try {
        return JSON.parse(text) as T
      } catch {
        return text as T
      }
    },
    async open(browser, hash) {
      const opened = await visit(browser, `${origin}/#key=${key}`)
      await opened.page.locator('#content').waitFor()
      await opened.page.evaluate(`location.hash = ${JSON.stringify(hash)}`)
      return opened
    },
  }
}
