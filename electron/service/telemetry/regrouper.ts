import type { Timer } from '../clock.ts'
import type { TelemetryParts } from './index.ts'
import {
  changeSkip,
  finishRegroup,
  revisionNow,
  undoRegroup,
  recompute,
  writeMoves,
  type RegroupRow,
  type SkipChange,
} from './records/regroup.ts'

/** How far blaming crashes anew has come. */
export interface Progress {
  readonly regroup: number
  readonly looked: number
  readonly moved: number
  /** From 0 to 1, by ids. */
  readonly share: number
}

/** Changes the skip list, and blames all crashes anew in the background. */
export interface Regrouper {
  readonly progress: Progress | null
  /** Returns the change; null when nothing would change. */
  change(change: SkipChange, what: string): Promise<RegroupRow | null>
  /** Blames everything anew with the list as it is. */
  recompute(): Promise<RegroupRow>
  /** Takes back a change of the list; null when there is none, or nothing is left of it. */
  undo(id: number): Promise<RegroupRow | null>
  /** Goes on with what an earlier run left undone. */
  start(): void
  stop(): Promise<void>
  /** Resolves when nothing is being blamed anew. */
  idle(): Promise<void>
}

/** Records of one step: few enough that writing them holds up nobody. */
const stepSize = 200
/** So often (ms) it is looked whether something is left to do. */
const retryMs = 60_000

export function createRegrouper(
  { context, log, store, hasStore }: TelemetryParts,
  done: () => void,
): Regrouper {
  const { clock } = context
  const now = (): number => Math.round(clock.glance().wallMs)
  let progress: Progress | null = null
  let running: Promise<void> | null = null
  let wanted = false
  let isStopped = false
  let timer: Timer | null = null

  const blame = async (open: RegroupRow): Promise<void> => {
    const { records } = await store().ask('list', {
      filter: {},
      before: null,
      limit: 1,
      withPayload: false,
      patienceMs: 1_000,
    })
    const upTo = records[0]?.id ?? 0
    const revision = await store().write(() => revisionNow())
    let after = 0
    let looked = 0
    let moved = 0
    progress = { regroup: open.id, looked, moved, share: 0 }
    while (!isStopped && !wanted) {
      const piece = await store().ask('regroupPiece', { after, upTo, most: stepSize })
      const begin = after
      await store().write(() => writeMoves({ piece, after: begin, revision, regroupId: open.id }))
      looked += piece.looked
      moved += piece.moved.length
      if (piece.lastId === null || piece.looked < stepSize) {
        const storms = await store().ask('stormMoves', null)
        await store().write(() => finishRegroup(open.id, now(), storms))
        log.info(`Blamed ${looked} crashes anew; ${moved} moved.`)
        break
      }
      after = piece.lastId
      progress = { regroup: open.id, looked, moved, share: upTo === 0 ? 1 : after / upTo }
    }
  }

  const runOnce = async (): Promise<void> => {
    const [open] = (await store().ask('regroups', { most: 1 })).filter(({ done_ms }) => done_ms === null)
    if (!open) return
    await store().alone('regroup', () => blame(open))
    progress = null
    done()
  }

  const run = (): void => {
    wanted = true
    if (running || isStopped) return
    timer?.cancel()
    running = (async () => {
      let hasFailed = false
      while (wanted && !isStopped) {
        wanted = false
        hasFailed = false
        try {
          await runOnce()
        } catch (error) {
          hasFailed = true
          if (!isStopped) log.warn({ err: error }, 'Blaming crashes anew failed; it is tried again')
        }
        progress = null
      }
      running = null
      // What failed here, or may be left by a collector that is gone, is taken up again; else a service at rest is left at rest.
      if (!isStopped && hasStore() && (hasFailed || store().place.kind === 'postgres'))
        timer = clock.after(retryMs, run)
    })()
  }

  const begun = (row: RegroupRow | null): RegroupRow | null => {
    if (row) run()
    return row
  }

  return {
    get progress() {
      return progress
    },
    async change(change, what) {
      return begun(await store().write((writer) => changeSkip({ change, what, nowMs: now() }, writer)))
    },
    async recompute() {
      const row = await store().write(() => recompute({ what: 'blame all crashes anew', nowMs: now() }))
      run()
      return row
    },
    async undo(id) {
      const row = await store().ask('regroupChange', { id })
      if (!row) return null
      const { change, what } = row
      // Only what that change did is taken back; later ones stay.
      return begun(await store().write((writer) => undoRegroup({ id, what, change, nowMs: now() }, writer)))
    },
    start: run,
    async stop() {
      isStopped = true
      timer?.cancel()
      await running
    },
    async idle() {
      while (running && hasStore()) await running
    },
  }
}
