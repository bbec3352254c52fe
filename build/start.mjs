// `npm start`: builds what is needed and starts the desktop app, or the service alone where there can be no app; says which, and why.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import process, { argv, env, execPath, exit, platform } from 'node:process'
import { fileURLToPath } from 'node:url'
import './check-node.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Returns Electron's program; null when its binary has not been fetched (https://www.electronjs.org/docs/latest/tutorial/installation). */
function electronProgram() {
  const folder = path.join(root, 'node_modules', 'electron')
  const named = path.join(folder, 'path.txt')
  const name = existsSync(named)
    ? readFileSync(named, 'utf8').trim()
    : ({ win32: 'electron.exe', darwin: 'Electron.app/Contents/MacOS/Electron' }[platform] ?? 'electron')
  const program = path.join(env.ELECTRON_OVERRIDE_DIST_PATH || path.join(folder, 'dist'), name)
  return existsSync(program) ? program : null
}

/** Returns why the desktop app cannot be started here; null when it can. */
function whyHeadless(program, options) {
  if (options.length > 0) return 'options of `serve` were given'
  if (program === null) return 'the Electron binary is not here (`npx install-electron` fetches it)'
  if (platform === 'linux' && !env.DISPLAY && !env.WAYLAND_DISPLAY) return 'there is no display'
  if (platform === 'linux' && process.getuid() === 0) return 'Electron does not run as root'
  return null
}

const script = fileURLToPath(new URL('build.mjs', import.meta.url))
const build = spawnSync(execPath, [script, '--if-stale'], { stdio: 'inherit' })
if (build.status !== 0) exit(build.status ?? 1)

// npm hands a signal to the shell that it starts scripts with, and some shells keep it to themselves when they die of it
// (https://github.com/npm/cli/issues/6684): losing that parent is as good as the signal.
function onLostParent(act) {
  const parent = process.ppid
  const look = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(look)
    act()
  }, 250)
  look.unref()
}

const program = electronProgram()
const why = whyHeadless(program, argv.slice(2))
if (why === null) {
  process.stdout.write('Starting the desktop app; its icon appears in the tray.\n')
  const app = spawn(program, [root], { stdio: 'inherit' })
  const end = () => app.kill('SIGTERM')
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, end)
  onLostParent(end)
  app.on('exit', (code) => exit(code ?? 1))
} else {
  process.stdout.write(`Starting headless, since ${why}.\n`)
  onLostParent(() => process.kill(process.pid, 'SIGTERM'))
  argv.splice(2, 0, 'serve')
  await import('../dist/node/watchkeeper.js')
}
