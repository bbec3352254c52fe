import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // Much of a run is waiting: two at once fill it, even where there are only two processors.
    maxWorkers: 2,
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
