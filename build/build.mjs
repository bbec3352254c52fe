// Builds the service with its command line (dist/node), the desktop app (dist/main), the UI (dist/ui) and the icons (dist/icons).
import ui from '@nuxt/ui/vite'
import vue from '@vitejs/plugin-vue'
import { chmodSync, existsSync, globSync, statSync } from 'node:fs'
import { argv } from 'node:process'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { drawIcons } from './icons.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const outputs = [
  'dist/node/watchkeeper.js',
  'dist/main/main.js',
  'dist/ui/index.html',
  'dist/icons/app.ico',
].map((file) => root + file)

function isStale() {
  if (!outputs.every((file) => existsSync(file))) return true
  const builtAt = Math.min(...outputs.map((file) => statSync(file).mtimeMs))
  const sources = globSync(
    [
      'electron/**/*',
      'renderer/**/*',
      'resources/icons/**/*',
      'build/{build,icons}.mjs',
      'package.json',
      'package-lock.json',
    ],
    { cwd: root },
  )
  return sources.some((file) => statSync(root + file).mtimeMs > builtAt)
}

if (argv.includes('--if-stale') && !isStale()) process.exit(0)

// Native code cannot be bundled, nor what brings programs of its own; everything else is, so that a package holds only what runs.
const external = ['better-sqlite3', 'koffi', 'node-notifier']

/** How long plug-ins take is nobody's concern who only starts the app. */
const checks = { pluginTimings: false }

/** One program of Node or Electron: `input` names its entries. */
const program = (folder, input, { kept, format = 'es', ...more }) =>
  build({
    root,
    configFile: false,
    logLevel: 'warn',
    ssr: { noExternal: true, external: kept },
    build: {
      ssr: true,
      target: 'node22',
      outDir: `dist/${folder}`,
      emptyOutDir: true,
      minify: false,
      sourcemap: true,
      chunkSizeWarningLimit: 1_000,
      rolldownOptions: {
        checks,
        input,
        external: kept,
        output: {
          format,
          entryFileNames: format === 'cjs' ? '[name].cjs' : '[name].js',
          chunkFileNames: '[name]-[hash].js',
        },
      },
      ...more,
    },
  })

await Promise.all([
  program(
    'node',
    {
      watchkeeper: 'electron/cli/watchkeeper.ts',
      cli: 'electron/cli/main.ts',
      service: 'electron/service/child/entry.ts',
      'reader-worker': 'electron/service/reader/worker.ts',
      'records-worker': 'electron/service/telemetry/records/worker.ts',
      'records-intake-worker': 'electron/service/telemetry/records/intake-worker.ts',
      'plugin-worker': 'electron/service/telemetry/plugins/worker.ts',
    },
    { kept: external },
  ),
  program('main', { main: 'electron/main/main.ts' }, { kept: ['electron'] }).then(() =>
    // A sandboxed preload is one CommonJS file (https://www.electronjs.org/docs/latest/tutorial/sandbox).
    program(
      'main',
      { preload: 'electron/preload/preload.ts' },
      { kept: ['electron'], format: 'cjs', emptyOutDir: false, sourcemap: false },
    ),
  ),
  drawIcons(),
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
    // The page comes from this machine, and works without it: one file is no burden.
    build: {
      outDir: '../dist/ui',
      emptyOutDir: true,
      target: 'es2022',
      chunkSizeWarningLimit: 2_000,
      rolldownOptions: { checks },
    },
  }),
])
chmodSync(`${root}dist/node/watchkeeper.js`, 0o755)
