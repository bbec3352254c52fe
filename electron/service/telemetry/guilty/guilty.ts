import { backtraceClasses } from '../../../shared/telemetry-words.ts'
import type { Frame } from '../schema.ts'
import { crashingThread, readBacktrace, type Backtrace } from './frames.ts'
import { isUnknown, readStackText, stackFrames } from './stack-texts.ts'

/** Which frame is to blame for a crash. Pure. */

/** Frames that are never guilty, such as `abort()` of the C library. */
export interface SkipList {
  has(frame: Frame): boolean
}

/** Returns the key by which frames are told apart. */
export function frameKey({ function: name, module }: Frame): string {
  return `${name}\n${module}`
}

/** Returns a skip list of frames. */
export function skipListOf(frames: Iterable<Frame>): SkipList {
  const keys = new Set(Array.from(frames, frameKey))
  return { has: (frame) => keys.has(frameKey(frame)) }
}

/**
 * Returns the guilty one of a crashing thread's frames, innermost first; null when there are none.
 *
 * The first frame that names a function and is not in the skip list; else the first without a name; else the last one that was passed over. The
 * original passes over the first frame that begins with `? ` only, so that of `? foo`, `? bar` it blames `? bar`; here every one of them is
 * unknown, since a kernel marks with it what may be left over on the stack.
 */
export function guiltyFrame(frames: readonly Frame[], skip: SkipList): Frame | null {
  let firstUnknown: Frame | null = null
  let last: Frame | null = null
  for (const frame of frames) {
    if (skip.has(frame)) last = frame
    else if (isUnknown(frame)) {
      firstUnknown ??= frame
      last = frame
    } else return frame
  }
  const blamed = firstUnknown ?? last
  return blamed && { function: blamed.function, module: blamed.module }
}

const backtraces: ReadonlySet<string> = new Set(backtraceClasses)

/** Returns true for records whose payload is looked through for a guilty frame. */
export function mayBlame(classification: string): boolean {
  if (backtraces.has(classification)) return true
  const [vendor, domain] = classification.split('/')
  // Of telemetrics' own classes only those four have backtraces; what others send is known by its stack text.
  return vendor !== 'org.clearlinux' || domain === 'crash' || domain === 'kernel'
}

/** Returns the frames of the thread that crashed, innermost first. */
export function framesOf(classification: string, payload: string): readonly Frame[] {
  if (backtraces.has(classification)) return crashingThread(payload)
  if (!mayBlame(classification)) return []
  const native = classification.startsWith('org.clearlinux/') ? [] : crashingThread(payload)
  return native.length > 0 ? native : stackFrames(payload)
}

/** Returns the frame to blame for a record; null for records that are no crashes. */
export function guiltyOf(classification: string, payload: string, skip: SkipList): Frame | null {
  const found = guiltyFrame(framesOf(classification, payload), skip)
  return found && { function: found.function, module: found.module }
}

/** Returns a payload's backtrace as far as one can be read from it; null when it holds none. */
export function backtraceOf(classification: string, payload: string): Backtrace | null {
  const native = readBacktrace(payload)
  if (native.frames.length > 0) return native
  return mayBlame(classification) ? readStackText(payload) : null
}

/** Returns true for the frames that begin every program: skipping them would only move blame to nobody. */
export function isBeginning({ function: name }: Frame): boolean {
  return /^(?:_start|__libc_start_main)/.test(name)
}
