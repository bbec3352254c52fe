import { closeSync, fsyncSync, openSync, statfsSync, writeSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { createOwnWatch } from '../../../electron/service/health/own-cost.ts'
import { tellSkipped } from '../../support/skipped.ts'
import { temporaryFolder } from '../../support/temporary.ts'

/** What is written to a file system in memory is written to no disk: statfs(2), TMPFS_MAGIC. */
const isOnDisk = process.platform === 'linux' && statfsSync(os.tmpdir()).type !== 0x01021994
if (!isOnDisk) tellSkipped('what is written is not measured: temporary files lie on no disk')

describe('what the service itself costs', () => {
  it.skipIf(!isOnDisk)('has what it wrote to disks', () => {
    const watch = createOwnWatch()
    watch.measure(0, 1)
    const before = watch.cost.writtenBytes ?? Number.NaN
    const handle = openSync(path.join(temporaryFolder(), 'written'), 'w')
    for (let part = 0; part < 8; part += 1) writeSync(handle, Buffer.alloc(2 ** 20, part + 1))
    fsyncSync(handle)
    closeSync(handle)
    watch.measure(1_000, 1)
    expect(watch.cost.writtenBytes).toBeGreaterThanOrEqual(before + 8 * 2 ** 20)
  })

  it('says nothing of what the system does not tell, and a share only of time that passed', () => {
    const watch = createOwnWatch(() => null)
    expect(watch.measure(0, 5).map(({ kind }) => kind)).toEqual(['own-memory'])
    expect(watch.cost).toMatchObject({ cpuPercent: null, writtenBytes: null, sampleMs: 5 })
    expect(watch.measure(10, 6).map(({ kind }) => kind)).toEqual(['own-cpu', 'own-memory'])
  })
})
