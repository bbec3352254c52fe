// `npm start`: builds what is needed and becomes the service.
import { spawnSync } from 'node:child_process'
import process, { argv, execPath, exit } from 'node:process'
import { fileURLToPath } from 'node:url'
import './check-node.mjs'

const script = fileURLToPath(new URL('build.mjs', import.meta.url))
const build = spawnSync(execPath, [script, '--if-stale'], { stdio: 'inherit' })
if (build.status !== 0) exit(build.status ?? 1)

// npm hands a signal to the shell that it starts scripts with, and some shells keep it to themselves when they die of it
// (https://github.com/npm/cli/issues/6684): losing that parent is as good as the signal.
const parent = process.ppid
const look = setInterval(() => {
  if (process.ppid === parent) return
  clearInterval(look)
  process.kill(process.pid, 'SIGTERM')
}, 250)
look.unref()

argv.splice(2, 0, 'serve')
await import('../dist/node/watchkeeper.js')
