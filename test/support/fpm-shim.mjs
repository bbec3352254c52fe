#!/usr/bin/env node
// Takes what electron-builder tells fpm (https://fpm.readthedocs.io) for a .deb and makes it with Debian's own dpkg-deb.
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
  copyFileSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import process from 'node:process'

const flags = new Set(['--force'])
const options = new Map()
const depends = []
const recommends = []
const files = []
for (let args = process.argv.slice(2); args.length > 0;) {
  const arg = args.shift()
  if (flags.has(arg)) continue
  if (!arg.startsWith('-')) files.push(arg)
  else if (arg === '-d') depends.push(args.shift())
  else if (arg === '--deb-recommends') recommends.push(args.shift())
  else if (arg.includes('=') && arg.startsWith('--')) continue
  else options.set(arg, args.shift())
}
const root = mkdtempSync(path.join(os.tmpdir(), 'watchkeeper-deb-'))
chmodSync(root, 0o755)
for (const file of files) {
  const at = file.lastIndexOf('=')
  const [from, to] = [file.slice(0, at), path.join(root, file.slice(at + 1))]
  const isFolder = statSync(from).isDirectory()
  // As fpm: a target that ends with a slash is a folder to put it in.
  const target = isFolder || !file.endsWith('/') ? to : path.join(to, path.basename(from))
  mkdirSync(isFolder ? target : path.dirname(target), { recursive: true })
  cpSync(from, target, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true })
}
const control = [
  `Package: ${options.get('--name')}`,
  `Version: ${options.get('--version')}`,
  `Architecture: ${options.get('--architecture')}`,
  `Maintainer: ${options.get('--maintainer')}`,
  ...(depends.length > 0 ? [`Depends: ${depends.join(', ')}`] : []),
  ...(recommends.length > 0 ? [`Recommends: ${recommends.join(', ')}`] : []),
  `Section: admin`,
  `Priority: optional`,
  `Description: ${options.get('--description').trim().replaceAll('\n', '\n ')}`,
  '',
]
mkdirSync(path.join(root, 'DEBIAN'))
writeFileSync(path.join(root, 'DEBIAN', 'control'), control.join('\n'))
for (const [option, name] of [
  ['--after-install', 'postinst'],
  ['--after-remove', 'postrm'],
]) {
  const script = path.join(root, 'DEBIAN', name)
  copyFileSync(options.get(option), script)
  chmodSync(script, 0o755)
}
execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', root, options.get('--package')], {
  stdio: 'inherit',
})
rmSync(root, { recursive: true })
