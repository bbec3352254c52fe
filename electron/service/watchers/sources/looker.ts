import { existsSync } from 'node:fs'
import type { WatcherSource } from '../../../shared/api/watchers.ts'
import type { Timer } from '../../clock.ts'
import type { RoomContext } from '../../context.ts'
import { createBus, type Bus } from '../../system/bus.ts'
import { runProgram, type RunProgram } from '../../system/programs.ts'
import { systemBus, userBus } from '../../system/systemd.ts'
import type { Signal, WatcherEntry } from '../schema.ts'
import { lookAtFiles } from './file.ts'
import type { Look } from './rules.ts'
import { lookAtUnit } from './unit.ts'

/** Looks at the sources of watchers, and makes what it finds the triggers that their jobs do not send. */

/** What a look reaches the system with; tests bring their own. */
export interface SourceEdges {
  readonly platform?: NodeJS.Platform
  readonly run?: RunProgram
  /** Root of the system's files; tests give that of another machine. */
  readonly root?: string
  /** Sockets of the buses of the system and of this user; null where there is none. */
  readonly systemBus?: string | null
  readonly userBus?: string | null
}

/** What looking needs of the room. */
export interface LookerParts {
  sourced(): readonly number[]
  load(id: number): WatcherEntry | null
  signal(id: number, signal: Signal, once: string): Promise<unknown>
  arm(id: number): Promise<void>
}

export interface Looker {
  start(): void
  stop(): void
  /** Looks at a source now, without keeping anything. */
  look(source: WatcherSource): Promise<Look>
  /** Looks at the source of one watcher now, and keeps what is found. */
  lookFor(id: number): Promise<void>
}

/** Files and systemd cost next to nothing to ask. */
const everyMs = 30_000
/** Where a program has to be started for each, all are asked this often (ms). */
const byProgramMs = 5 * 60_000
/** A look that takes longer, as on a file system that hangs, is not waited for (ms). */
const patienceMs = 10_000
/** So many are looked at side by side. */
const atOnce = 8

/** Returns the looker; it looks at nothing before `start`. */
export function createLooker(context: RoomContext, parts: LookerParts, edges: SourceEdges = {}): Looker {
  const { clock } = context
  const log = context.log.child({ name: 'WATCHERS' })
  const platform = edges.platform ?? process.platform
  const sockets = {
    system: edges.systemBus === undefined ? systemBus : edges.systemBus,
    user: edges.userBus === undefined ? userBus(process.env) : edges.userBus,
  }
  const buses = new Map<'system' | 'user', Bus>()
  const hanging = new Map<string, Promise<Look>>()
  const told = new Map<number, string>()
  let timer: Timer | null = null
  let isRunning = false

  const unitParts = {
    platform,
    run: edges.run ?? runProgram,
    uid: process.getuid?.() ?? 0,
    bootId: clock.bootId,
    now: () => Math.round(clock.glance().wallMs),
    bus(isUser: boolean): Bus | null {
      const name = isUser ? 'user' : 'system'
      const socket = sockets[name]
      if (socket === null || !existsSync(socket)) return null
      const known = buses.get(name)
      if (known) return known
      const made = createBus(socket, clock)
      buses.set(name, made)
      return made
    },
  }
  const lookOnce = (source: WatcherSource): Promise<Look> => {
    switch (source.kind) {
      case 'file':
        return lookAtFiles(source)
      case 'unit':
        return lookAtUnit(source, unitParts)
      default:
        return source satisfies never
    }
  }
  /** What hangs is asked once, however often somebody wants to know. */
  const look = (source: WatcherSource): Promise<Look> => {
    const name = JSON.stringify(source)
    let asked = hanging.get(name)
    if (!asked) {
      asked = lookOnce(source).catch((error: unknown): Look => ({
        found: null,
        fault: error instanceof Error ? error.message : String(error),
      }))
      hanging.set(name, asked)
      void asked.finally(() => hanging.delete(name))
    }
    const late = new Promise<Look>((resolve) => {
      const patience = clock.after(patienceMs, () =>
        resolve({ found: null, fault: 'it does not answer; the file system may hang' }),
      )
      void asked.finally(() => patience.cancel())
    })
    return Promise.race([asked, late])
  }
  const lookFor = async (id: number): Promise<void> => {
    const entry = parts.load(id)
    const source = entry?.watcher.source
    if (!entry || source == null || entry.watcher.paused) return
    const { found, fault } = await look(source)
    if (fault !== null && told.get(id) !== fault) log.warn(`${entry.watcher.name}: ${fault}`)
    if (fault === null) told.delete(id)
    else told.set(id, fault)
    if (found === null) {
      if (fault === null) await parts.arm(id)
      return
    }
    const { key, durationMs, ...result } = found
    await parts.signal(
      id,
      {
        ...result,
        ...(durationMs !== null && { durationMs }),
        run: '',
        origin: '',
        agent: source.kind,
        body: null,
      },
      `source ${entry.watcher.code} ${key}`,
    )
  }
  const round = async (): Promise<void> => {
    const ids = [...parts.sourced()]
    const worker = async (): Promise<void> => {
      for (let id = ids.pop(); id !== undefined && isRunning; id = ids.pop())
        await lookFor(id).catch((error: unknown) =>
          log.error({ err: error }, 'A source could not be looked at'),
        )
    }
    await Promise.all(Array.from({ length: atOnce }, worker))
  }
  const plan = (delayMs: number): void => {
    timer = clock.after(delayMs, () => {
      void round().finally(() => {
        if (isRunning) plan(platform === 'linux' ? everyMs : byProgramMs)
      })
    })
  }

  return {
    start() {
      isRunning = true
      plan(0)
    },
    stop() {
      isRunning = false
      timer?.cancel()
      for (const bus of buses.values()) bus.close()
    },
    look,
    lookFor,
  }
}
