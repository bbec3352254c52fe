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
    const kept = [3, 2, 1].map((index) => read(`${file}.${index}`)).join('') + read(file)
    expect(kept).toBe(Array.from({ length: 35 }, (_, index) => line(index + 10)).join(''))
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
    expect(read(`${file}.1`)).toHaveLength(100)
    expect(read(file)).toBe(line(10))
    const endless = fileTarget(file, { mostBytes: 0, backups: 5 })
    for (let index = 0; index < 100; index += 1) endless.write(line(index))
    endless.close()
    expect(read(file)).toHaveLength(1_010)
  })

  it('begins anew where none is to be kept', () => {
    const file = fresh()
    const target = fileTarget(file, { mostBytes: 30, backups: 0 })
    for (let index = 0; index < 7; index += 1) target.write(line(index))
    target.close()
    expect(read(file)).toBe(line(6))
    expect(existsSync(`${file}.1`)).toBe(false)
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
