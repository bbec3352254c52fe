// Gathers what the jobs of a release have built: `node build/release.mjs <folder>` puts every file into <folder>/files, merges the
// lists that electron-updater reads, and adds checksums and the newest entry of CHANGELOG.md.
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parse, stringify } from 'yaml'
import './check-node.mjs'

const folder = process.argv[2]
function fail(reason) {
  process.stderr.write(`release: ${reason}\n`)
  process.exit(1)
}
if (!folder || !existsSync(folder)) fail('name a folder with what was built')
const target = path.join(folder, 'files')
const lists = new Map()
const built = globSync('**/*', { cwd: folder, withFileTypes: true })
  .filter((entry) => entry.isFile() && !entry.parentPath.startsWith(target))
  .map((entry) => path.join(entry.parentPath, entry.name))
if (!built.some((file) => /^latest.*\.yml$/.test(path.basename(file))))
  fail(`there are no packages in ${folder}`)
mkdirSync(target, { recursive: true })
for (const file of built) {
  const name = path.basename(file)
  if (!/^latest.*\.yml$/.test(name)) {
    copyFileSync(file, path.join(target, name))
    continue
  }
  // Each processor was packed by itself, and each wrote a list with its own files alone.
  const list = parse(readFileSync(file, 'utf8'))
  const before = lists.get(name)
  lists.set(name, before ? { ...before, files: [...before.files, ...list.files] } : list)
}
for (const [name, list] of lists) {
  for (const { url } of list.files)
    if (!existsSync(path.join(target, url)) || /\s/.test(url)) {
      fail(`${name} names '${url}', which is not there or would be renamed`)
    }
  writeFileSync(path.join(target, name), stringify(list))
}

const sums = globSync('*', { cwd: target })
  .filter((name) => name !== 'SHA256SUMS')
  .sort()
  .map(
    (name) =>
      `${createHash('sha256')
        .update(readFileSync(path.join(target, name)))
        .digest('hex')}  ${name}`,
  )
writeFileSync(path.join(target, 'SHA256SUMS'), `${sums.join('\n')}\n`)

const changelog = readFileSync(fileURLToPath(new URL('../CHANGELOG.md', import.meta.url)), 'utf8')
writeFileSync(
  path.join(folder, 'NOTES.md'),
  `${changelog.split(/^## /m)[1]?.split('\n').slice(1).join('\n').trim() ?? ''}\n`,
)
process.stdout.write(`${sums.length} files in ${target}\n`)
