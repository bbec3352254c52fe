// What goes into a package for one system and processor: an allow-list, of which the verifier knows as well.
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

/** Modules that cannot be bundled: native code, and programs of their own. */
const keptModules = ['better-sqlite3', 'koffi', 'node-notifier']
/** Dependencies that only a build from source needs. */
const buildOnly = new Set(['node-addon-api'])

/** Where natives of other systems than this one are put by build/natives.mjs. */
export const nativesFolder = (platform, arch) => path.join(root, '.cache', 'natives', `${platform}-${arch}`)

/** Names of native packages per system and processor. */
export const koffiPackage = (platform, arch) => `@koromix/koffi-${platform}-${arch}`

/** Finds a module as Node does from a folder; null when it is not there. */
function findModule(name, from) {
  for (let folder = from; ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, 'node_modules', name)
    if (existsSync(path.join(candidate, 'package.json'))) return candidate
    if (folder === path.dirname(folder)) return null
  }
}

/** Returns the folders of modules with everything they need, each once. */
export function closureOf(names, from = root) {
  const found = new Set()
  const visit = (name, folder) => {
    const module = findModule(name, folder)
    if (module === null || found.has(module)) return
    found.add(module)
    const { dependencies = {} } = JSON.parse(readFileSync(path.join(module, 'package.json'), 'utf8'))
    for (const needed of Object.keys(dependencies)) if (!buildOnly.has(needed)) visit(needed, module)
  }
  for (const name of names) visit(name, from)
  return [...found]
}

/** What of each module is left out: documents, sources, and programs for other systems. */
function filterOf(module, platform, arch) {
  const name = path.relative(path.join(root, 'node_modules'), module)
  switch (name) {
    case 'better-sqlite3':
      return ['package.json', 'LICENSE', 'lib/**/*.js', `prebuilds/${platform}-${arch}.node`]
    case 'koffi':
      return ['package.json', 'LICENSE.txt', '*.{js,cjs}', '!cnoke.cjs', 'src/koffi/**/*.{js,cjs}']
    case 'node-notifier':
      return [
        'package.json',
        'LICENSE',
        'index.js',
        'lib/**/*.js',
        'notifiers/**/*.js',
        ...(platform === 'darwin' ? ['vendor/mac.noindex/**', 'vendor/terminal-notifier-LICENSE'] : []),
        ...(platform === 'win32' ? ['vendor/snoreToast/**', 'vendor/notifu/**'] : []),
      ]
    default:
      return [
        'package.json',
        'LICENSE*',
        '**/*.{js,cjs,mjs}',
        'cli.js',
        '!{test,tests,docs,example,examples,bin}/**',
        '!**/node_modules/**',
      ]
  }
}

/** Icons of the tray that a system uses. */
function trayIcons(platform) {
  switch (platform) {
    case 'win32':
      return ['tray/*.ico']
    case 'darwin':
      return ['tray/*Template*.png']
    default:
      return ['tray/*.png', '!tray/*Template*.png', 'app/256x256.png']
  }
}

/** Returns the files of a package as electron-builder takes them. */
export function filesOf(platform, arch) {
  const koffi = koffiPackage(platform, arch)
  const foreign = path.join(nativesFolder(platform, arch), 'node_modules', koffi)
  return [
    // electron-builder would add everything that no pattern names.
    '!**/*',
    'package.json',
    'LICENSE',
    { from: 'dist/node', to: 'dist/node', filter: ['*.js'] },
    { from: 'dist/main', to: 'dist/main', filter: ['*.js', '*.cjs'] },
    { from: 'dist/ui', to: 'dist/ui', filter: ['**/*', '!**/*.map'] },
    { from: 'dist/icons', to: 'dist/icons', filter: trayIcons(platform) },
    ...closureOf(keptModules).map((module) => {
      const place = path.relative(root, module)
      return { from: place, to: place, filter: filterOf(module, platform, arch) }
    }),
    {
      from: existsSync(foreign) ? path.relative(root, foreign) : `node_modules/${koffi}`,
      to: `node_modules/${koffi}`,
      filter: ['package.json', '*.js', `${platform}_${arch}/*.node`],
    },
  ]
}

/** What an archive may hold, and nothing else. Directories are not named. */
export const allowedInArchive = [
  /^package\.json$/,
  /^LICENSE$/,
  /^dist\/(node|main)\/[\w.-]+\.c?js$/,
  /^dist\/ui\/(index\.html|favicon\.svg|assets\/[\w.-]+\.(js|css|woff2?|svg))$/,
  /^dist\/icons\/(tray\/[\w@.-]+\.(png|ico)|app\/256x256\.png)$/,
  /^node_modules\/better-sqlite3\/(package\.json|LICENSE|lib\/[\w/.-]+\.js|prebuilds\/\w+-\w+\.node)$/,
  /^node_modules\/koffi\/(package\.json|LICENSE\.txt|(src\/koffi\/(src\/)?)?\w+\.c?js)$/,
  /^node_modules\/@koromix\/koffi-\w+-\w+\/(package\.json|index\.js|\w+_\w+\/koffi\.node)$/,
  /^node_modules\/node-notifier\/(package\.json|LICENSE|index\.js|(lib|notifiers)\/[\w/.-]+\.js|vendor\/.+)$/,
  /^node_modules\/(node-notifier\/node_modules\/)?(growly|is-wsl|is-docker|semver|shellwords|uuid|which|isexe)\/[\w/.-]+$/,
]

/** What lies beside the archive, since other programs open it: native code and the helpers of node-notifier. */
export const unpacked = ['**/*.node', 'node_modules/node-notifier/vendor/**']
