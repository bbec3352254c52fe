// `npm start`: builds what is needed and becomes the service, in one process, so that a signal to npm reaches it.
import { spawnSync } from 'node:child_process'
import { argv, execPath, exit } from 'node:process'
import { fileURLToPath } from 'node:url'
import './check-node.mjs'

const build = spawnSync(execPath, [fileURLToPath(new URL('build.mjs', import.meta.url)), '--if-stale'], {
  stdio: 'inherit',
})
if (build.status !== 0) exit(build.status ?? 1)
argv.splice(2, 0, 'serve')
await import('../dist/node/watchkeeper.js')
