// better-sqlite3 13 needs Node-API 10 and crashes without a word on an older Node
// (https://nodejs.org/api/n-api.html#node-api-version-matrix), so the version is checked before it is loaded.
import { exit, stderr, versions } from 'node:process'

const [major, minor] = versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 14)) {
  stderr.write(`Watchkeeper needs Node 22.14 or newer; this is Node ${versions.node}.\n`)
  exit(1)
}
