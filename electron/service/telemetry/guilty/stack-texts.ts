import type { Frame } from '../schema.ts'
import type { Backtrace, TracedFrame } from './frames.ts'

/**
 * Stack texts of other systems as frames, the innermost first: JavaScript, Python, Java, .NET and WinDbg. What differs from one run to the next
 * (addresses, numbers of generated classes, hashes of bundles) is taken out, so that the same fault is one group. Pure.
 */

/** Longest line that is looked at (characters), so that no pattern meets more than it was made for. */
const longestLine = 1_000
const mostLines = 2_000

const python = /^ {2}File "([^"]+)", line (\d+), in (\S.*)$/
const javaFrame = /^\s+at (?:[\w.$-]+\/{1,2})?([\w.$<>]+)\.([\w$<>]+)\(([^()]*)\)\s*$/
const dotNetFrame = /^\s+at ([\w.<>`+,[\] |]+)\.([\w<>`|.]+)\((.*)\)(?: in (.+):line \d+)?\s*$/
const scriptNamed = /^\s+at (?:async )?(?:new )?(.+?) \((.*)\)\s*$/
const scriptBare = /^\s+at (?:async )?((?:file:|https?:|node:|webpack|[A-Za-z]:[\\/]|\/).*:\d+:\d+)\s*$/
const gecko = /^([^@\s]*)@((?:file:|https?:|resource:|chrome:|moz-extension:).*:\d+:\d+)\s*$/
const windowsFrame =
  /^(?:[0-9a-f]{2,3}\s+)?(?:[0-9a-f`]{8,17}\s+){0,2}([\w.-]+)!([^+\s][^+]*?)(?:\+0x([0-9a-f]+))?(?:\s*\[.*\])?\s*$/i
const windowsOffset = /^(?:[0-9a-f]{2,3}\s+)?(?:[0-9a-f`]{8,17}\s+){0,2}([\w.-]+)\+0x([0-9a-f]+)\s*$/i

/** Frames of a run-time itself: they are where a fault is noticed, never where it is made. */
const ofTheRuntime: readonly RegExp[] = [/^node:/, /^<frozen /]

/** Returns the frames of a stack text, innermost first; an empty list when it is none that is known. */
export function stackFrames(payload: string): TracedFrame[] {
  const lines = payload
    .split('\n', mostLines)
    .map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
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

/** The last traceback is the one that ended the program; its innermost frame comes last. */
function pythonFrames(lines: readonly string[]): TracedFrame[] {
  const begin = lines.findLastIndex((line) => line.startsWith('Traceback (most recent call last):'))
  if (begin < 0) return []
  return lines
    .slice(begin + 1)
    .flatMap((line) => {
      const [, file, number, name] = python.exec(line) ?? []
      return file === undefined ? [] : [frame(name ?? '', pathTail(file), `${file}:${number ?? ''}`)]
    })
    .reverse()
}

/** The last cause is the root of the others. */
function javaFrames(lines: readonly string[]): TracedFrame[] {
  const cause = lines.findLastIndex((line) => line.startsWith('Caused by: '))
  const frames = contiguous(lines.slice(cause + 1), (line) => {
    const [, owner, method, where] = javaFrame.exec(line) ?? []
    if (
      owner === undefined ||
      !/^(?:[\w$-]+\.(?:java|kt|scala|groovy|clj)(?::\d+)?|Native Method|Unknown Source|<generated>)$/.test(
        where ?? '',
      )
    )
      return null
    return frame(method ?? '', generated(owner), where ?? '')
  })
  return frames
}

function dotNetFrames(lines: readonly string[]): TracedFrame[] {
  return contiguous(lines, (line) => {
    const [, owner, method, parameters, file] = dotNetFrame.exec(line) ?? []
    // A script's place ends in line and column, which no parameter does.
    if (owner === undefined || /:\d+:\d+$/.test(parameters ?? '')) return null
    return frame(generated(method ?? ''), generated(owner), file ?? '')
  })
}

function scriptFrames(lines: readonly string[]): TracedFrame[] {
  return contiguous(lines, (line) => {
    const named = scriptNamed.exec(line)
    if (named && /:\d+:\d+$|^native$|^<anonymous>$/.test(named[2] ?? ''))
      return frame(scriptName(named[1] ?? ''), scriptModule(named[2] ?? ''), named[2] ?? '')
    const bare = scriptBare.exec(line)
    if (bare) return frame('???', scriptModule(bare[1] ?? ''), bare[1] ?? '')
    const fox = gecko.exec(line)
    if (fox) return frame(fox[1] === '' ? '???' : (fox[1] ?? ''), scriptModule(fox[2] ?? ''), fox[2] ?? '')
    return null
  })
}

function windowsFrames(lines: readonly string[]): TracedFrame[] {
  const frames = contiguous(lines, (line) => {
    const named = windowsFrame.exec(line)
    if (named) return frame(named[2] ?? '', (named[1] ?? '').toLowerCase(), line.trim())
    const bare = windowsOffset.exec(line)
    // Without symbols the offset in the module is all there is to tell faults apart.
    if (bare) return offsetFrame(bare[1] ?? '', bare[2] ?? '', line)
    return null
  })
  return frames
}

/** An offset in a module is no address: it is the same in every run, and all that tells faults apart. */
function offsetFrame(module: string, offset: string, line: string): TracedFrame {
  return {
    function: `+0x${offset.toLowerCase()}`,
    module: module.toLowerCase(),
    source: line.trim().slice(0, 500),
  }
}

/** Returns the first run of lines that are frames. */
function contiguous(lines: readonly string[], read: (line: string) => TracedFrame | null): TracedFrame[] {
  const frames: TracedFrame[] = []
  for (const line of lines) {
    const found = read(line)
    if (found) frames.push(found)
    else if (frames.length > 0) break
  }
  return frames
}

function frame(name: string, module: string, source: string): TracedFrame {
  return { function: stable(name), module: stable(module), source: source.slice(0, 500) }
}

/** Returns a name without what changes from run to run. */
export function stable(text: string): string {
  return text
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi, '*')
    .replace(/0x[0-9a-f]{4,}/gi, '*')
    .replace(/(^|[^A-Za-z0-9])(?=[0-9a-f]*\d)[0-9a-f]{12,}(?![A-Za-z0-9])/gi, '$1*')
    .slice(0, 500)
}

/** Numbers of lambdas, proxies and accessors are given out anew in each run. */
function generated(name: string): string {
  return name
    .replace(/\$\$Lambda(?:\$\d+)?(?:\/\w+)?/g, '$$$$Lambda')
    .replace(/(\$Proxy|Accessor|EnhancerBy\w+\$\$|<>c__DisplayClass)\d+(?:_\d+)?/g, '$1')
    .replace(/(>[bg]__\w*?\|?)\d+_\d+/g, '$1')
}

function scriptName(name: string): string {
  const plain = name.replace(/^Object\./, '').replace(/ \[as [^\]]+\]$/, '')
  return /^<anonymous>$|^eval$/.test(plain) ? '???' : plain
}

/** Returns where a script lies without what differs between machines and builds: origin, folders, line, hash. */
function scriptModule(where: string): string {
  const file = where
    .replace(/:\d+:\d+$/, '')
    .replace(/[?#].*$/, '')
    .replaceAll('\\', '/')
  if (/^node:/.test(file)) return file
  const dependency = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(.*)$/.exec(file)
  const tail = dependency ? `${dependency[1] ?? ''}/${dependency[2] ?? ''}` : pathTail(file)
  return tail.replace(/[-.](?=[\w-]*\d)[\w-]{8,}(?=\.(?:m|c)?js$)/, '')
}

/** Returns the last two parts of a path: one alone is often `index` or `main`. */
function pathTail(file: string): string {
  return file.replaceAll('\\', '/').split('/').filter(Boolean).slice(-2).join('/')
}

/** Returns true for a frame that names no function. */
export function isUnknown({ function: name }: Frame): boolean {
  return name === '???' || name.startsWith('? ')
}
