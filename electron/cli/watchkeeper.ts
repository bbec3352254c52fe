#!/usr/bin/env node
import { checkNode } from './node-version.ts'

// Everything else is loaded only after the check: on an older Node the database library would end the process unheard.
// Whoever reads our output may go away at any time; that must not end a recorder. What could not be written otherwise, as on a
// full disk, is told at the end.
let unwritten: Error | null = null
process.stderr.on('error', () => undefined)
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') unwritten = error
})

const problem = checkNode(process.versions.node)
if (problem === null) {
  const { main } = await import('./main.ts')
  process.exitCode = await main(process.argv.slice(2))
  process.once('beforeExit', () => {
    if (unwritten === null) return
    process.stderr.write(`watchkeeper: the output could not be written: ${unwritten.message}\n`)
    process.exitCode = 1
  })
} else {
  process.stderr.write(`${problem}\n`)
  process.exitCode = 1
}
