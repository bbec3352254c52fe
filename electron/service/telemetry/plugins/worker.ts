import release from '@jitl/quickjs-singlefile-mjs-release-sync'
import {
  newQuickJSWASMModuleFromVariant,
  newVariant,
  shouldInterruptAfterDeadline,
  type QuickJSContext,
} from 'quickjs-emscripten-core'
import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../clock.ts'

/**
 * Runs one plug-in in a machine of its own: QuickJS, compiled to WebAssembly, has no way to anything of Node's, and its memory and time are
 * limited. Only text passes. It asks by yielding a question; whoever runs this thread answers it.
 */

/** What the thread says. */
export type FromPlugin =
  | { readonly kind: 'ready' }
  | { readonly kind: 'asks'; readonly question: string }
  | { readonly kind: 'shows'; readonly view: string }
  | { readonly kind: 'failed'; readonly reason: string }

/** How long (ms) a plug-in may think between two questions. */
const stepMs = 1_000
/**
 * Pages (64 KiB) of the machine's memory: what it begins with, and what it has at most. QuickJS counts only a part of what it takes, so its own limit
 * does not hold strings.
 */
const memoryPages = { initial: 256, maximum: 1_280 } as const
const stackBytes = 512 * 1_024
/** Longest text (characters) of a question, and of what is shown. */
const longest = { question: 10_000, view: 1_000_000 } as const

const { source } = workerData as { source: string }
const clock = systemClock()

/** Runs beside the plug-in, so what it does to its own language is its own affair. */
const frame = `
'use strict';
{
  const { parse, stringify } = JSON;
  const words = (error) => String(error && error.message !== undefined ? error.message : error).slice(0, 500);
  let run = null;
  Object.defineProperty(globalThis, '__step', { value: (answer) => {
    try {
      if (run === null) {
        if (typeof view !== 'function') return stringify({ failed: 'it defines no function* view()' });
        run = view();
        if (run === null || typeof run !== 'object' || typeof run.next !== 'function') return stringify({ failed: 'view is no generator: write function* view()' });
      }
      const { done, value } = run.next(answer === null ? undefined : parse(answer));
      return stringify(done ? { view: value === undefined ? {} : value } : { question: value === undefined ? null : value });
    } catch (error) {
      return stringify({ failed: words(error) });
    }
  } });
}
`

class PluginFailure extends Error {}

function run(context: QuickJSContext, code: string, file: string): unknown {
  context.runtime.setInterruptHandler(shouldInterruptAfterDeadline(clock.glance().wallMs + stepMs))
  const result = context.evalCode(code, file)
  if (result.error) {
    const error: unknown = context.dump(result.error)
    result.error.dispose()
    const words =
      typeof error === 'object' && error !== null && 'message' in error
        ? String(error.message)
        : String(error)
    throw new PluginFailure(words === 'interrupted' ? 'it takes too long' : words.slice(0, 500))
  }
  const value: unknown = context.typeof(result.value) === 'string' ? context.getString(result.value) : null
  result.value.dispose()
  return value
}

function step(context: QuickJSContext, answer: string | null): FromPlugin {
  const said = run(context, `__step(${answer === null ? 'null' : JSON.stringify(answer)})`, 'step.js')
  if (typeof said !== 'string') throw new PluginFailure('it does not answer as it should')
  if (said.length > longest.view) throw new PluginFailure('it shows more than a megabyte')
  const { failed, question, view } = JSON.parse(said) as Readonly<Record<string, unknown>>
  if (typeof failed === 'string') throw new PluginFailure(failed)
  if (question === undefined) return { kind: 'shows', view: JSON.stringify(view ?? null) }
  const text = JSON.stringify(question)
  if (text.length > longest.question) throw new PluginFailure('its question is too long')
  return { kind: 'asks', question: text }
}

function say(work: () => FromPlugin): void {
  try {
    parentPort?.postMessage(work())
  } catch (error) {
    const reason = error instanceof PluginFailure ? error.message : 'it cannot be run: it needs too much'
    parentPort?.postMessage({ kind: 'failed', reason } satisfies FromPlugin)
  }
}

const machine = await newQuickJSWASMModuleFromVariant(
  newVariant(release, { wasmMemory: new WebAssembly.Memory(memoryPages) }),
)
const runtime = machine.newRuntime()
runtime.setMaxStackSize(stackBytes)
const context = runtime.newContext()
parentPort?.postMessage({ kind: 'ready' } satisfies FromPlugin)
say(() => {
  run(context, frame, 'frame.js')
  run(context, source, 'view.js')
  return step(context, null)
})
parentPort?.on('message', (answer: string) => say(() => step(context, answer)))
