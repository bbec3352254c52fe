import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { parsePmset, parseWindowsBattery, powerReader } from '../../../electron/service/recorder/power.ts'
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
  const readPower = powerReader('linux', () => 0, undefined, supplies(entries))
  const sample = machineSampler('linux', readPower)()
  expect(sample).toMatchObject({ power, battery })
  expect(sample.memoryTotal).toBeGreaterThan(sample.memoryFree ?? Infinity)
  expect(sample.load).toBeGreaterThanOrEqual(0)
})

it('reads macOS’ battery', () => {
  const text =
    "Now drawing from 'Battery Power'\n -InternalBattery-0 (id=4653155)\t83%; discharging; 3:21 remaining present: true\n"
  expect(parsePmset(text)).toEqual({ power: 'battery', battery: 83 })
  expect(parsePmset("Now drawing from 'AC Power'\n")).toEqual({ power: 'mains', battery: null })
  expect(parsePmset('')).toEqual({ power: null, battery: null })
})

it('reads Windows’ battery', () => {
  expect(parseWindowsBattery('{"BatteryStatus":1,"EstimatedChargeRemaining":42}')).toEqual({
    power: 'battery',
    battery: 42,
  })
  expect(parseWindowsBattery('{"BatteryStatus":2,"EstimatedChargeRemaining":101}')).toEqual({
    power: 'mains',
    battery: 100,
  })
  expect(parseWindowsBattery('')).toEqual({ power: null, battery: null })
})

it('asks a program for the power seldom, and never waits for it', async () => {
  let asked = 0
  let nowMs = 0
  const readPower = powerReader(
    'darwin',
    () => nowMs,
    () => {
      asked += 1
      return Promise.resolve("Now drawing from 'AC Power'\n -InternalBattery-0\t50%; charging")
    },
  )
  expect(readPower()).toEqual({ power: null, battery: null })
  await Promise.resolve()
  await new Promise(setImmediate)
  expect(readPower()).toEqual({ power: 'mains', battery: 50 })
  nowMs = 119_999
  readPower()
  expect(asked).toBe(1)
  nowMs = 120_000
  readPower()
  expect(asked).toBe(2)
})
