import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { smartOf } from '../../../electron/service/health/workers/smart.ts'

const text = (name: string): string =>
  readFileSync(new URL(`../../fixtures/${name}`, import.meta.url), 'utf8')

describe('what smartctl says', () => {
  it.each([
    [177, 'Wear_Leveling_Count', 93, 0, 7],
    [231, 'SSD_Life_Left', 61, undefined, 39],
    [233, 'Media_Wearout_Indicator', 99, 0, 1],
    [202, 'Percent_Lifetime_Remain', 6, 0, 94],
    [231, 'Temperature_Celsius', 41, 0, null],
    [202, 'Data_Address_Mark_Errs', 100, 0, null],
    [177, 'Wear_Range_Delta', 0, 0, null],
    [233, 'Lifetime_Nand_Writes', 1, 0, null],
    [177, 'Wear_Leveling_Count', 93, 7_200, null],
    [177, 'Wear_Leveling_Count', 253, 0, null],
    [177, undefined, 93, 0, null],
  ])(
    'believes attribute %i as wear only by its name, %s, and only of flash',
    (id, name, value, turns, worn) => {
      const report = {
        rotation_rate: turns,
        smart_status: { passed: true },
        ata_smart_attributes: { table: [{ id, name, value, raw: { value: 5 } }] },
      }
      expect(smartOf(JSON.stringify(report))).toMatchObject({ wornPercent: worn })
    },
  )

  it('says why a drive tells nothing', () => {
    expect(smartOf(text('smartctl-denied.json'))).toBe('smartctl needs root to ask it')
    expect(smartOf(text('smartctl-asleep.json'))).toBe('it sleeps, and is let sleep')
    expect(smartOf('nonsense')).toBe('smartctl says nothing that can be read')
  })
})
