// Gathers the licences of everything that is shipped.
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { closureOf, root } from './package-contents.mjs'

/** Parts of the UI and of the app that are bundled at build time, and so are no dependencies at run time. */
const bundled = [
  '@nuxt/ui',
  '@tanstack/vue-query',
  '@vueuse/core',
  'chart.js',
  'chartjs-adapter-date-fns',
  'chartjs-plugin-annotation',
  'chartjs-plugin-zoom',
  'electron-updater',
  'eventsource-parser',
  'tailwindcss',
  'vue',
  'vue-router',
]

export function writeNotices(target = `${root}dist/third-party-notices.txt`) {
  const { dependencies } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))
  const seen = new Map()
  for (const folder of closureOf([...Object.keys(dependencies), ...bundled])) {
    const { name, version, license } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'))
    const file = globSync('{LICENSE,LICENCE,license,licence}*', { cwd: folder }).find((one) =>
      existsSync(path.join(folder, one)),
    )
    const text = file === undefined ? '' : readFileSync(path.join(folder, file), 'utf8').trim()
    seen.set(
      `${name} ${version}`,
      `${name} ${version} (${typeof license === 'string' ? license : 'see below'})\n\n${text}`,
    )
  }
  const rule = `\n\n${'-'.repeat(78)}\n\n`
  const entries = [...seen.entries()].sort(([a], [b]) => a.localeCompare(b)).map(([, text]) => text)
  writeFileSync(
    target,
    `Watchkeeper contains the following software, and, in the desktop app, Electron and Chromium, whose licences lie beside it.${rule}${entries.join(rule)}\n`,
  )
  return entries.length
}

if (process.argv[1] === path.join(root, 'build', 'third-party-notices.mjs')) writeNotices()
