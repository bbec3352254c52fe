import { chmodSync, statSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { startServe } from '../support/cli.ts'
import { temporaryFolder } from '../support/temporary.ts'

const modeOf = (file: string): string => (statSync(file).mode & 0o777).toString(8)

const isWindows = process.platform === 'win32'
if (isWindows) process.stdout.write('skipped: Windows has no file modes\n')

describe.skipIf(isWindows)('the database, which holds secrets', () => {
  it('is readable by its owner alone, with its log, also when it was not before', async () => {
    const database = path.join(temporaryFolder(), 'w.db')
    const first = await startServe(['-d', database])
    expect([modeOf(database), modeOf(`${database}-wal`)]).toEqual(['600', '600'])
    await first.end('SIGKILL')
    for (const file of [database, `${database}-wal`]) chmodSync(file, 0o644)
    await startServe(['-d', database])
    expect([modeOf(database), modeOf(`${database}-wal`)]).toEqual(['600', '600'])
  })
})
