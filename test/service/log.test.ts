import { existsSync, readFileSync, renameSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { fileTarget } from '../../electron/service/log.ts'
import { temporaryFolder } from '../support/temporary.ts'

const fresh = (): string => path.join(temporaryFolder(), 'x.log')
const read = (file: string): string => readFileSync(file, 'utf8')
const line = (index: number): string => `line ${String(index).padStart(4, '0')}\n`

describe('a log file', () => {
  it('is put aside before it would grow too large, and only so many are kept, none losing a line', () => {
    const file = fresh()
    const target = fileTarget(file, { mostBytes: 100, backups: 3 })
    for (let index = 0; index < 45; index += 1) target.write(line(index))
    target.close()
    expect(existsSync(`${file}.4`)).toBe(false)
    // Nine lines of ten bytes stay below a hundred; the file in use has what is left.
    const keptLines = 3 * 9 + 9
    const kept = [3, 2, 1].map((index) => read(`${file}.${index}`)).join('') + read(file)
    expect(kept).toBe(Array.from({ length: keptLines }, (_, index) => line(45 - keptLines + index)).join(''))
    for (const name of [file, `${file}.1`, `${file}.2`, `${file}.3`])
      expect(read(name).length).toBeLessThanOrEqual(100)
  })

  it('goes on where it was, and never rotates when it is told so', () => {
    const file = fresh()
    const first = fileTarget(file, { mostBytes: 100, backups: 1 })
    for (let index = 0; index < 9; index += 1) first.write(line(index))
    first.close()
    const second = fileTarget(file, { mostBytes: 100, backups: 1 })
    second.write(line(9))
    second.write(line(10))
    second.close()
    expect(read(`${file}.1`)).toHaveLength(90)
    expect(read(file)).toBe(line(9) + line(10))
    const endless = fileTarget(file, { mostBytes: 0, backups: 5 })
    for (let index = 0; index < 100; index += 1) endless.write(line(index))
    endless.close()
    expect(read(file)).toHaveLength(1_020)
  })

  it('is never put aside where none is to be kept, as Python has it, nor what is no file', () => {
    const file = fresh()
    const target = fileTarget(file, { mostBytes: 30, backups: 0 })
    for (let index = 0; index < 7; index += 1) target.write(line(index))
    target.close()
    expect(read(file)).toHaveLength(70)
    expect(existsSync(`${file}.1`)).toBe(false)
    const device = fileTarget('/dev/null', { mostBytes: 10, backups: 1 })
    for (let index = 0; index < 7; index += 1) device.write(line(index))
    device.close()
    expect(existsSync('/dev/null.1')).toBe(false)
  })

  it('is opened anew after somebody else put it aside', () => {
    const file = fresh()
    const target = fileTarget(file)
    target.write(line(1))
    renameSync(file, `${file}.old`)
    target.write(line(2))
    target.reopen()
    target.write(line(3))
    target.close()
    expect(read(`${file}.old`)).toBe(line(1) + line(2))
    expect(read(file)).toBe(line(3))
  })
})
