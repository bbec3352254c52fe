import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkNode } from '../../electron/cli/node-version.ts'
import { command, runProgram } from '../support/cli.ts'

const outside = (process.env['PATH'] ?? '')
  .split(path.delimiter)
  .filter((folder) => !folder.includes('node_modules'))
  .map((folder) => path.join(folder, 'node'))
  .find((file) => existsSync(file))
const outsideVersion = outside
  ? execFileSync(outside, ['--version'], { encoding: 'utf8' }).trim().slice(1)
  : null
const isOld = outsideVersion !== null && checkNode(outsideVersion) !== null
if (!isOld) process.stdout.write('skipped: the Node of this machine is not an old one\n')

describe('an old Node', () => {
  it.each(['20.20.2', '22.13.1', '18.0.0'])('%s is refused', (version) => {
    expect(checkNode(version)).toBe(`watchkeeper: Node 22.14 or newer is needed; this is Node ${version}`)
  })

  it.each(['22.14.0', '24.21.0', '26.0.0'])('%s is taken', (version) => {
    expect(checkNode(version)).toBeNull()
  })

  it.skipIf(!isOld)('is told so in one line by every entry point, instead of crashing', async () => {
    for (const entry of [command, 'build/start.mjs']) {
      const { code, stdout, stderr } = await runProgram(outside ?? '', [entry, 'report'])
      expect([entry, code, stdout]).toEqual([entry, 1, ''])
      expect(stderr).toMatch(/^[^\n]*Node 22\.14 or newer[^\n]*\n$/)
    }
  })
})
