#!/usr/bin/env node
import { checkNode } from './node-version.ts'

// Everything else is loaded only after the check: on an older Node the database library would end the process unheard.
// Whoever reads our output may go away at any time; that must not end a recorder.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)

const problem = checkNode(process.versions.node)
if (problem === null) {
  const { main } = await import('./main.ts')
  process.exitCode = await main(process.argv.slice(2))
} else {
  process.stderr.write(`${problem}\n`)
  process.exitCode = 1
}
