import type { Frame } from '../schema.ts'
import { nameOf, type Backtrace, type TracedFrame } from './frames.ts'

/**
 * Stack texts of other systems as frames, the innermost first: JavaScript, Python, Java, .NET and WinDbg. What differs from one run to the next
 * (addresses, numbers of generated classes, hashes of bundles) is taken out, so that the same fault is one group. Pure.
 *
 * A payload may be made to take time, so lines are short and few, and are taken apart by searching rather than by patterns that try again.
 */

const longestLine = 500
const mostLines = 1_000
const mostText = 65_536

/** Frames of a run-time itself: they are where a fault is noticed, never where it is made. */
const ofTheRuntime: readonly RegExp[] = [
  /^node:/,
  /^<frozen /,
  /^(?:<anonymous>|native)$/,
  /^(?:fs|net|http|https|events|timers|assert|buffer|stream|_\w+)\.js$/,
  /^internal\//,
  /^java\.util\.Objects$/,
]

/** Returns the frames of a stack text, innermost first; an empty list when it is none that is known. */
export function stackFrames(payload: string): TracedFrame[] {
  const lines = payload
    .slice(0, mostText)
    .split('\n', mostLines)
    .map((line) => line.trimEnd())
    .filter((line) => line.length <= longestLine)
  for (const read of [pythonFrames, javaFrames, dotNetFrames, scriptFrames, windowsFrames]) {
    const frames = read(lines)
    if (frames.length > 0) {
      const own = frames.filter(({ module }) => !ofTheRuntime.some((pattern) => pattern.test(module)))
      return own.length > 0 ? own : frames
    }
  }
  return []
}

/** Returns what a stack text of any kind tells; null when the payload holds none. */
export function readStackText(payload: string): Backtrace | null {
  const frames = stackFrames(payload)
  return frames.length === 0 ? null : { program: null, pid: null, signal: null, frames }
}

/** Returns true for a frame that names no function. */
export function isUnknown({ function: name }: Frame): boolean {
  return name === '???' || name.startsWith('? ')
}

/** The last traceback is the one that ended the program; its innermost frame comes last. */
function pythonFrames(lines: readonly string[]): TracedFrame[] {
  const begin = lines.findLastIndex((line) => line.includes('Traceback (most recent call last):'))
  if (begin < 0) return []
  return lines
    .slice(begin + 1)
    .flatMap((line) => {
      // Groups of exceptions are drawn with bars before their lines.
      const text = line.replace(/^[\s|+]*/, '')
      const [, file, number, name] = /^File "([^"]+)", line (\d+), in (\S.*)$/.exec(text) ?? []
      return file === undefined ? [] : [frame(name ?? '', pathTail(file), `${file}:${number ?? ''}`)]
    })
    .reverse()
}

/** The last cause is the root of the others. */
function javaFrames(lines: readonly string[]): TracedFrame[] {
  const cause = lines.findLastIndex((line) => line.startsWith('Caused by: '))
  return firstRun(lines.slice(cause + 1), isAtLine, (line) => {
    const { before, inside } = parts(afterAt(line))
    if (
      !/^(?:[\w$-]+\.(?:java|kt|kts|scala|groovy|clj)(?::\d+)?|SourceFile(?::\d+)?|Native Method|Unknown Source|<generated>)$/.test(
        inside,
      )
    )
      return null
    // Before the class may stand its loader and its module: `app//org.foo@9.0/`.
    const name = before.slice(before.lastIndexOf('/') + 1)
    // A lambda's class has a slash of its own.
    const whole = before.includes('$$Lambda') ? before : name
    const dot = whole.lastIndexOf('.')
    return dot < 1 ? null : frame(generated(whole.slice(dot + 1)), generated(whole.slice(0, dot)), inside)
  })
}

function dotNetFrames(lines: readonly string[]): TracedFrame[] {
  return firstRun(lines, isAtLine, (line) => {
    const text = afterAt(line)
    const open = text.indexOf('(')
    const close = text.indexOf(')', open)
    if (open < 1 || close < 0) return null
    const rest = text.slice(close + 1)
    const place = /^ in (.+):line \d+$/.exec(rest)?.[1]
    const inside = text.slice(open + 1, close)
    // A script's place ends in line and column, which no parameter does, and stands after a space.
    if ((rest !== '' && place === undefined) || /:\d+:\d+$/.test(inside) || text[open - 1] === ' ')
      return null
    const name = text.slice(0, open).replace(/\[[^\]]*\]$/, '')
    if (!/^[\w.<>`+|$,[\]]+$/.test(name)) return null
    // A constructor is called `.ctor`, so its class ends in two dots.
    const dot =
      name.endsWith('..ctor') || name.endsWith('..cctor') ? name.lastIndexOf('..') : name.lastIndexOf('.')
    return dot < 1 ? null : frame(generated(name.slice(dot + 1)), generated(name.slice(0, dot)), place ?? '')
  })
}

function scriptFrames(lines: readonly string[]): TracedFrame[] {
  const named = firstRun(lines, isAtLine, (line) => {
    const text = afterAt(line)
      .replace(/^async /, '')
      .replace(/^new /, '')
    const open = text.lastIndexOf(' (')
    if (open > 0 && text.endsWith(')')) {
      const where = text.slice(open + 2, -1)
      if (!/:\d+:\d+$|^native$|^<anonymous>$/.test(where)) return null
      return frame(scriptName(text.slice(0, open)), scriptModule(where), where)
    }
    return isScriptPlace(text) ? frame('<anonymous>', scriptModule(text), text) : null
  })
  if (named.length > 0) return named
  const isFox = (line: string): boolean => {
    const at = line.indexOf('@')
    return at >= 0 && !/\s/.test(line.slice(0, at)) && isScriptPlace(line.slice(at + 1))
  }
  return firstRun(lines, isFox, (line) => {
    const at = line.indexOf('@')
    const where = line.slice(at + 1)
    return frame(at === 0 ? '<anonymous>' : line.slice(0, at), scriptModule(where), where)
  })
}

function isScriptPlace(text: string): boolean {
  return (
    /:\d+:\d+$/.test(text) &&
    /^(?:file:|https?:|node:|webpack|resource:|chrome:|moz-extension:|[A-Za-z]:[\\/]|\/)/.test(text)
  )
}

/** A column of WinDbg is an address or a frame's number; several stand before the place, with `: arguments :` between them. */
const columns = /^(?:[0-9a-f`]{2,17}\s+|\(Inline Function\)\s+|-{4,}\s+|:\s+)+/i
const place = /^([\w.-]+)!([^+\s][^+]{0,300}?)(?:\+0x[0-9a-f]+)?(?:\s*\[[^\]]*\])?$/i
const offsetPlace = /^([\w.-]+)\+0x([0-9a-f]+)$/i

function windowsFrames(lines: readonly string[]): TracedFrame[] {
  /** Prose has exclamation marks as well: a frame has an address before it or an offset behind it. */
  const isFrame = (line: string): boolean => {
    const text = line.trim()
    const bare = text.replace(columns, '')
    return offsetPlace.test(bare) || (place.test(bare) && (bare !== text || /\+0x[0-9a-f]+/i.test(bare)))
  }
  return firstRun(lines, isFrame, (line) => {
    const text = line.trim().replace(columns, '')
    const named = place.exec(text)
    if (named) return frame(named[2] ?? '', (named[1] ?? '').toLowerCase(), line.trim())
    const [, module, offset] = offsetPlace.exec(text) ?? []
    // An offset in a module is no address: it is the same in every run, and all that tells faults apart.
    return module === undefined
      ? null
      : {
          function: `+0x${(offset ?? '').toLowerCase()}`,
          module: module.toLowerCase(),
          source: nameOf(line.trim()),
        }
  })
}

function isAtLine(line: string): boolean {
  return /^\s+at \S/.test(line)
}

function afterAt(line: string): string {
  // Loggers name the archive behind a frame: `~[app.jar:1.0]`.
  return line
    .trimStart()
    .slice('at '.length)
    .replace(/ ~?\[[^\]]*\]$/, '')
    .trim()
}

/** Returns what stands before the last parenthesis of a line, and in it. */
function parts(text: string): { readonly before: string; readonly inside: string } {
  const open = text.lastIndexOf('(')
  return open < 0 || !text.endsWith(')')
    ? { before: text, inside: '' }
    : { before: text.slice(0, open), inside: text.slice(open + 1, -1) }
}

/** Returns the frames of the first run of lines that are in the shape of one; a line of it that cannot be read is passed over. */
function firstRun(
  lines: readonly string[],
  isOne: (line: string) => boolean,
  read: (line: string) => TracedFrame | null,
): TracedFrame[] {
  const begin = lines.findIndex(isOne)
  if (begin < 0) return []
  const length = lines.slice(begin).findIndex((line) => !isOne(line))
  return lines.slice(begin, length < 0 ? lines.length : begin + length).flatMap((line) => read(line) ?? [])
}

function frame(name: string, module: string, source: string): TracedFrame {
  return { function: stable(name), module: stable(module), source: nameOf(source) }
}

/** Returns a name without what changes from run to run. */
function stable(text: string): string {
  return nameOf(
    text
      .slice(0, longestLine)
      .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi, '*')
      .replace(/0x[0-9a-f]{4,}/gi, '*')
      .replace(/[A-Za-z0-9]{12,}/g, (word) => (/^[0-9a-f]+$/i.test(word) && /\d/.test(word) ? '*' : word)),
  )
}

/** Numbers of lambdas, proxies and accessors are given out anew in each run. */
function generated(name: string): string {
  return name
    .replace(/\$\$Lambda(?:\$\d+)?(?:\/\w+)?/g, '$$$$Lambda')
    .replace(/(\$Proxy|Accessor|EnhancerBy\w{1,40}\$\$|<>c__DisplayClass)\d+(?:_\d+)?/g, '$1')
    .replace(/(>[bg]__)(\w{0,40}\|)?\d+_\d+/g, '$1$2')
}

function scriptName(name: string): string {
  const plain = name.replace(/^Object\./, '').replace(/ \[as [^\]]+\]$/, '')
  return plain === 'eval' ? '<anonymous>' : plain
}

/** Returns where a script lies without what differs between machines and builds: origin, folders, line, hash. */
function scriptModule(where: string): string {
  const file = where
    .replace(/:\d+:\d+$/, '')
    .replace(/[?#].*$/, '')
    .replaceAll('\\', '/')
  if (/^node:|^internal\//.test(file)) return file
  const marker = '/node_modules/'
  const at = file.lastIndexOf(marker)
  const tail = at < 0 ? pathTail(file) : file.slice(at + marker.length)
  return tail.replace(/[-.](?=[\w-]*\d)[\w-]{8,40}(?=\.[mc]?js$)/, '')
}

/** Returns the last two parts of a path: one alone is often `index` or `main`. */
function pathTail(file: string): string {
  return file.replaceAll('\\', '/').split('/').filter(Boolean).slice(-2).join('/')
}
