import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Two tests mostly wait. The longer one goes first, the other when that is over, so that others use the time and no run ends with a wait. */
class WaitingApart extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const named = (name: string) => sorted.filter(({ moduleId }) => moduleId.endsWith(`/${name}.test.ts`))
    const [first, later] = [named('network-faults'), named('killed')]
    const others = sorted.filter((file) => !first.includes(file) && !later.includes(file))
    return [...first, ...others.slice(0, filesBetween), ...later, ...others.slice(filesBetween)]
  }
}
const filesBetween = 20

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // Much of a run is waiting: two at once fill it, even where there are only two processors.
    maxWorkers: 2,
    sequence: { sequencer: WaitingApart },
    // Threads that load TypeScript bring WebAssembly with them, of whose pages V8 may lose track and end the process
    // (https://github.com/nodejs/node/issues/64500). With a cache of what was compiled, hardly any thread needs it.
    execArgv: ['--no-memory-protection-keys'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    env: {
      TZ: 'UTC',
      LC_ALL: 'C.UTF-8',
      NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/compile', import.meta.url)),
    },
  },
})
