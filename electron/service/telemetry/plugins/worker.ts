import { constants, createContext, runInContext, type Context } from 'node:vm'
import { parentPort, workerData } from 'node:worker_threads'

/**
 * Runs one plug-in. Its code sees nothing but the language itself: a context without Node, to which only text passes. It asks by yielding a
 * question; whoever runs this thread answers it, and ends the thread when it takes too long.
 */

/** What the thread says. */
export type FromPlugin =
  | { readonly kind: 'asks'; readonly question: string }
  | { readonly kind: 'shows'; readonly view: string }
  | { readonly kind: 'failed'; readonly reason: string }

/** How long (ms) a plug-in may think between two questions. */
const stepMs = 2_000

const { source } = workerData as { source: string }

/** Runs in the plug-in's own context, so that no object of ours is ever within its reach. */
const frame = `
'use strict';
(() => {
  const { parse, stringify } = JSON;
  const words = (error) => {
    try { return String(error && error.message !== undefined ? error.message : error).slice(0, 500); } catch { return 'an error without words'; }
  };
  let run = null;
  Object.defineProperty(globalThis, '__step', { value: (answer) => {
    try {
      if (run === null) {
        if (typeof view !== 'function') return stringify({ failed: 'it defines no function* view()' });
        run = view();
        if (run === null || typeof run !== 'object' || typeof run.next !== 'function') return stringify({ failed: 'view is no generator: write function* view()' });
      }
      const { done, value } = run.next(answer === null ? undefined : parse(answer));
      return stringify(done ? { view: value } : { question: value });
    } catch (error) {
      return stringify({ failed: words(error) });
    }
  } });
})();
`

/** @throws the time limit's error, or the error of a source that cannot be read */
function load(): Context {
  const context = createContext(constants.DONT_CONTEXTIFY, {
    codeGeneration: { strings: false, wasm: false },
    microtaskMode: 'afterEvaluate',
  })
  runInContext(frame, context, { timeout: stepMs })
  runInContext(source, context, { timeout: stepMs, filename: 'view.js' })
  return context
}

function step(context: Context, answer: string | null): FromPlugin {
  const given = answer === null ? 'null' : JSON.stringify(answer)
  const said: unknown = runInContext(`__step(${given})`, context, { timeout: stepMs })
  if (typeof said !== 'string') return { kind: 'failed', reason: 'it does not answer as it should' }
  const { failed, question, view } = JSON.parse(said) as Readonly<Record<string, unknown>>
  if (typeof failed === 'string') return { kind: 'failed', reason: failed }
  return question !== undefined
    ? { kind: 'asks', question: JSON.stringify(question) }
    : { kind: 'shows', view: JSON.stringify(view ?? null) }
}

function say(work: () => FromPlugin): void {
  let message: FromPlugin
  try {
    message = work()
  } catch (error) {
    const isSlow = (error as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
    const words = error instanceof Error ? error.message : 'it cannot be read'
    message = { kind: 'failed', reason: isSlow ? 'it takes too long' : words.slice(0, 500) }
  }
  parentPort?.postMessage(message)
}

let context: Context | null = null
say(() => {
  context = load()
  return step(context, null)
})
parentPort?.on('message', (answer: string) => {
  const loaded = context
  if (loaded) say(() => step(loaded, answer))
})
