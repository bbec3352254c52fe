import { machineGaps, machineHistory, type WindowArgs } from '../service/recorder/queries.ts'
import type { Connection } from '../service/store/open.ts'
import type { Gap, MachineHistory } from '../shared/api/machine.ts'
import { clockDuration, wordDuration } from '../shared/time-text.ts'
import { causeWords, gapKindWords, presences, presenceWords } from '../shared/vocabulary.ts'

const pageSize = 1_000

/** Yields a report for reading: figures that add up to the window, then its gaps, oldest first. */
export function* reportTable(db: Connection, args: WindowArgs): Generator<string> {
  const history = machineHistory(db, args)
  if (history.firstRecord === null) {
    yield 'Nothing has been recorded yet.\n'
    return
  }
  yield* figureLines(history)
  const { total } = machineGaps(db, { ...args, limit: 1, offset: 0 })
  if (total === 0) {
    yield '\nNo gaps in this window.\n'
    return
  }
  yield `\n${row('from', 'to', 'length', 'what it was')}`
  for (let offset = Math.floor((total - 1) / pageSize) * pageSize; offset >= 0; offset -= pageSize) {
    for (const gap of machineGaps(db, { ...args, limit: pageSize, offset }).gaps.reverse()) yield gapLine(gap)
  }
}

function* figureLines({ since, until, figures, clockSteps, hints }: MachineHistory): Generator<string> {
  yield `From ${local(since)} to ${local(until)} (${wordDuration(figures.windowMs)})\n\n`
  for (const presence of presences) {
    const share = `${figures.percent[presence].toFixed(2)} %`.padStart(9)
    yield `  ${presenceWords[presence].padEnd(13)}${share}  ${clockDuration(figures.ms[presence]).padStart(16)}\n`
  }
  const availability = figures.availability === null ? 'not known' : `${figures.availability.toFixed(3)} %`
  yield `\n  availability  ${availability} (up / (up + down))\n`
  yield `  flights ${figures.flights}, clean stops ${figures.stops}, crashes ${figures.crashes}, sleeps ${figures.sleeps}, recorder stops ${figures.recorderStops}\n`
  yield `  up:   longest ${wordDuration(figures.longestUpMs)}, mean ${wordDuration(figures.meanUpMs)}\n`
  yield `  down: longest ${wordDuration(figures.longestDownMs)}, mean ${wordDuration(figures.meanDownMs)}\n`
  for (const { at, stepMs } of clockSteps) {
    yield `  clock moved by ${stepMs < 0 ? '−' : '+'}${wordDuration(Math.abs(stepMs))} at ${local(at)}\n`
  }
  for (const hint of hints) yield `  note: ${hint}\n`
}

function gapLine(gap: Gap): string {
  const cause =
    gap.cause === null
      ? ''
      : `, ${causeWords[gap.cause]}${gap.causeConfidence === 'likely' ? ' (likely)' : ''}`
  const note = gap.note === null ? '' : ` — ${gap.note.replace(/\s+/g, ' ')}`
  return row(
    local(gap.from),
    gap.ongoing ? 'now' : local(gap.to),
    wordDuration(gap.durationMs),
    `${gapKindWords[gap.kind]}${cause}${note}`,
  )
}

function row(from: string, to: string, length: string, what: string): string {
  return `${from.padEnd(20)} ${to.padEnd(20)} ${length.padEnd(14)} ${what}\n`
}

function local(iso: string): string {
  const date = new Date(iso)
  const pad = (value: number): string => String(value).padStart(2, '0')
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`
}
