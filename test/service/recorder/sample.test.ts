import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { machineSampler } from '../../../electron/service/recorder/sample.ts'
import { temporaryFolder } from '../../support/temporary.ts'

function supplies(entries: Record<string, Record<string, string>>): string {
  const folder = temporaryFolder()
  for (const [name, files] of Object.entries(entries)) {
    mkdirSync(path.join(folder, name))
    for (const [file, text] of Object.entries(files))
      writeFileSync(path.join(folder, name, file), `${text}\n`)
  }
  return folder
}

it.each([
  [
    'a laptop on mains',
    { AC: { type: 'Mains', online: '1' }, BAT0: { type: 'Battery', capacity: '83', status: 'Charging' } },
    'mains',
    83,
  ],
  [
    'a laptop on battery',
    { AC: { type: 'Mains', online: '0' }, BAT0: { type: 'Battery', capacity: '4', status: 'Discharging' } },
    'battery',
    4,
  ],
  [
    'two batteries',
    {
      BAT0: { type: 'Battery', capacity: '40', status: 'Discharging' },
      BAT1: { type: 'Battery', capacity: '60', status: 'Full' },
    },
    'battery',
    50,
  ],
  [
    'a mouse’s battery, which is not ours',
    { hid: { type: 'Battery', scope: 'Device', capacity: '3', status: 'Discharging' } },
    null,
    null,
  ],
  ['no supply at all', {}, null, null],
])('reads %s', (_name, entries, power, battery) => {
  const sample = machineSampler('linux', supplies(entries))()
  expect(sample).toMatchObject({ power, battery })
  expect(sample.memoryTotal).toBeGreaterThan(sample.memoryFree ?? Infinity)
  expect(sample.load).toBeGreaterThanOrEqual(0)
})
