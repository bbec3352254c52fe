import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../electron/service/clock.ts'
import { systemWorkers } from '../../../electron/service/health/workers/index.ts'
import { quietHealth } from '../../support/health-bench.ts'
import { startTestService } from '../../support/service.ts'

/** Returns what /metrics says of a machine of the fixtures under node_exporter's names. */
async function nodeLines(machine: string): Promise<string[]> {
  const workers = systemWorkers({
    clock: systemClock(),
    platform: 'linux',
    root: fileURLToPath(new URL(`../../fixtures/machines/${machine}`, import.meta.url)),
    run: () => Promise.resolve(null),
    bus: '/nowhere',
    choices: () => ({ asksDrives: false, services: [] }),
  })
  const test = await startTestService({ health: quietHealth(workers.list) })
  await test.service.health.sample()
  workers.close()
  const text = await (await test.fetch('/metrics')).text()
  return text.split('\n').filter((line) => line.startsWith('node_'))
}
const about = (lines: readonly string[], name: string): string[] =>
  lines.filter((line) => line.startsWith(`${name}{`))

describe('node_exporter’s names', () => {
  it('have its labels: chips by their device, sensors by their input, controllers by their number', async () => {
    const lines = await nodeLines('server')
    expect(about(lines, 'node_hwmon_temp_celsius')).toContain(
      'node_hwmon_temp_celsius{chip="platform_coretemp_0",sensor="temp1"} 47',
    )
    expect(about(lines, 'node_hwmon_sensor_label')).toContain(
      'node_hwmon_sensor_label{chip="platform_coretemp_0",sensor="temp1",label="Package id 0"} 1',
    )
    expect(about(lines, 'node_hwmon_chip_names')).toContain(
      'node_hwmon_chip_names{chip="platform_coretemp_0",chip_name="coretemp"} 1',
    )
    // A sensor without a label has none there either.
    expect(about(lines, 'node_hwmon_sensor_label').join()).not.toContain('nct6775')
    expect(about(lines, 'node_edac_correctable_errors_total')).toEqual([
      'node_edac_correctable_errors_total{controller="0"} 7',
    ])
    expect(about(lines, 'node_edac_uncorrectable_errors_total')).toEqual([
      'node_edac_uncorrectable_errors_total{controller="0"} 1',
    ])
    expect(about(lines, 'node_uname_info')).toEqual([
      expect.stringMatching(
        /^node_uname_info\{domainname="\(none\)",machine="[^"]+",nodename="[^"]+",release="/,
      ),
    ])
    expect(about(lines, 'node_thermal_zone_temp')).toEqual([])
  })

  it('keep thermal zones apart from the chips of hwmon', async () => {
    const lines = await nodeLines('raspberry-pi')
    expect(about(lines, 'node_thermal_zone_temp')).toEqual([
      'node_thermal_zone_temp{zone="0",type="cpu-thermal"} 51.6',
    ])
    expect(about(lines, 'node_hwmon_temp_celsius')).toEqual([
      'node_hwmon_temp_celsius{chip="thermal_thermal_zone0",sensor="temp1"} 51.1',
    ])
  })
})
