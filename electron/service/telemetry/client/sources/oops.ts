import type { Frame } from '../../schema.ts'

/** Faults of the Linux kernel in its log, as the oops probe of telemetrics finds them. Pure. */

/** A fault of the kernel. */
export interface Oops {
  readonly kind: 'bug' | 'warning' | 'stackoverflow' | 'panic'
  readonly severity: number
  readonly payload: string
  /** Where in the lines it begins. */
  readonly line: number
}

const begins: readonly (readonly [RegExp, Oops['kind'], number])[] = [
  [/^Kernel panic - not syncing/, 'panic', 4],
  [/^(?:BUG: stack guard page was hit|.*stack overflow)/i, 'stackoverflow', 4],
  [
    /^(?:watchdog: )?(?:kernel BUG at|BUG: |Oops: |general protection fault|Unable to handle kernel|double fault|divide error)/,
    'bug',
    4,
  ],
  [/^WARNING: CPU: /, 'warning', 2],
]
const ends = /^---\[ end (?:trace|Kernel panic)/
/** Longest fault (lines): a kernel that goes on faulting never ends its trace. */
const mostLines = 150
const framePattern =
  /^\s*(?:\[<[0-9a-f]+>\]\s+)?(\? )?([A-Za-z_][\w.]*)\+0x[0-9a-f]+\/0x[0-9a-f]+(?:\s+\[(\w+)\])?/

/** Returns the faults in lines of the kernel's log, oldest first. */
export function findOopses(lines: readonly string[]): Oops[] {
  const found: Oops[] = []
  let index = 0
  while (index < lines.length) {
    const line = lines[index] ?? ''
    const kind = begins.find(([pattern]) => pattern.test(line))
    if (!kind) {
      index += 1
      continue
    }
    const rest = lines.slice(index, index + mostLines)
    const last = rest.findIndex((one) => ends.test(one))
    const length = last < 0 ? untilNext(rest) : last + 1
    const block = lines.slice(index, index + length)
    found.push({ kind: kind[1], severity: kind[2], payload: oopsPayload(block), line: index })
    index += length
  }
  return found
}

/** A fault without an end goes on until the next one begins. `Oops:` and the like belong to the one before. */
function untilNext(rest: readonly string[]): number {
  const next = rest.findIndex(
    (line, index) => index > 0 && /^(?:WARNING: CPU: |BUG: |watchdog: BUG)/.test(line),
  )
  return next < 0 ? rest.length : next
}

function oopsPayload(block: readonly string[]): string {
  const frames = oopsFrames(block)
  const version = /\b(?:Not tainted|Tainted: [^,]*?)\s+(\d+\.\d+\S*)/.exec(block.join('\n'))?.[1]
  return `${[
    'Crash Report:',
    `Reason: ${block[0] ?? ''}`,
    ...(version === undefined ? [] : [`Kernel Version : ${version}`]),
    'Backtrace :',
    ...frames.map(({ function: name, module }, index) => `#${index + 1} ${name} - [${module}]`),
  ].join('\n')}\n`
}

function oopsFrames(block: readonly string[]): Frame[] {
  const begin = block.findIndex((line) => /^\s*Call [Tt]race:/.test(line))
  const place = block
    .map((line) => /\bRIP: (?:\w+:)?([A-Za-z_][\w.]*)\+0x[0-9a-f]+\/0x[0-9a-f]+(?:\s+\[(\w+)\])?/.exec(line))
    .find((match) => match !== null)
  const frames = (begin < 0 ? [] : block.slice(begin + 1)).flatMap((line): Frame[] => {
    const match = framePattern.exec(line)
    if (!match) return []
    return [{ function: `${match[1] ?? ''}${match[2] ?? ''}`, module: match[3] ?? 'kernel' }]
  })
  const name = place?.[1]
  return name === undefined || frames[0]?.function === name
    ? frames
    : [{ function: name, module: place?.[2] ?? 'kernel' }, ...frames]
}
