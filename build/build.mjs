// Builds the service with its command line (dist/node) and the UI (dist/ui).
import ui from '@nuxt/ui/vite'
import vue from '@vitejs/plugin-vue'
import { chmodSync, existsSync, globSync, statSync } from 'node:fs'
import { argv } from 'node:process'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const root = fileURLToPath(new URL('..', import.meta.url))
const outputs = ['dist/node/watchkeeper.js', 'dist/ui/index.html'].map((file) => root + file)

function isStale() {
  if (!outputs.every((file) => existsSync(file))) return true
  const builtAt = Math.min(...outputs.map((file) => statSync(file).mtimeMs))
  const sources = globSync(
    ['electron/**/*', 'renderer/**/*', 'build/build.mjs', 'package.json', 'package-lock.json'],
    { cwd: root },
  )
  return sources.some((file) => statSync(root + file).mtimeMs > builtAt)
}

if (argv.includes('--if-stale') && !isStale()) process.exit(0)

// Native code cannot be bundled, nor what brings programs of its own; everything else is, so that a package holds only what runs.
const external = ['better-sqlite3', 'koffi', 'node-notifier']

await Promise.all([
  build({
    root,
    configFile: false,
    logLevel: 'warn',
    ssr: { noExternal: true, external },
    build: {
      ssr: true,
      target: 'node22',
      outDir: 'dist/node',
      emptyOutDir: true,
      minify: false,
      sourcemap: true,
      rolldownOptions: {
        input: {
          watchkeeper: 'electron/cli/watchkeeper.ts',
          'reader-worker': 'electron/service/reader/worker.ts',
        },
        external,
        output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
      },
    },
  }),
  build({
    root: `${root}renderer`,
    configFile: false,
    logLevel: 'warn',
    base: './',
    plugins: [
      vue(),
      ui({
        dts: false,
        ui: { colors: { primary: 'teal', neutral: 'slate' } },
        // States keep their icons in TypeScript, and a missing one would be asked of a server on the Internet.
        icon: { clientBundle: { scan: { globInclude: ['**/*.{vue,ts}'] } } },
        colorMode: true,
      }),
    ],
    build: { outDir: '../dist/ui', emptyOutDir: true, target: 'es2022' },
  }),
])
chmodSync(`${root}dist/node/watchkeeper.js`, 0o755)
