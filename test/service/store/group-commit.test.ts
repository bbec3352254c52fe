import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createGroupCommit } from '../../../electron/service/store/group-commit.ts'
import { openStore } from '../../../electron/service/store/open.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { openRaw } from '../../support/raw-database.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { systemClock } from '../../../electron/service/clock.ts'

function bench(clock = systemClock()) {
  const file = path.join(temporaryFolder(), 'w.db')
  const { db } = openStore(file, Date.UTC(2026, 10, 21))
  db.pragma('busy_timeout = 50')
  db.exec('CREATE TABLE thing (name TEXT PRIMARY KEY)')
  onTestFinished(() => {
    db.close()
  })
  const insert = db.prepare('INSERT INTO thing (name) VALUES (?)')
  return {
    file,
    db,
    commits: createGroupCommit(db, clock),
    add: (name: string) => () => insert.run(name).changes,
  }
}

const names = (file: string): string[] => {
  const raw = openRaw(file)
  const list = raw.prepare('SELECT name FROM thing ORDER BY name').pluck().all() as string[]
  raw.close()
  return list
}

describe('a group commit', () => {
  it('answers only when what was written can be read by others', async () => {
    const { file, commits, add } = bench()
    await Promise.all(
      ['a', 'b', 'c'].map(async (name) => {
        await commits.write(add(name))
        expect(names(file)).toContain(name)
      }),
    )
    expect(names(file)).toEqual(['a', 'b', 'c'])
  })

  it('writes what comes together in one transaction', async () => {
    const { db, commits, add } = bench()
    await commits.write(add('first'))
    const before = commits.batch
    await Promise.all(Array.from({ length: 100 }, (_, index) => commits.write(add(`n${index}`))))
    expect(commits.batch - before).toBe(1)
    expect(db.prepare('SELECT count(*) FROM thing').pluck().get()).toBe(101)
  })

  it('lets a bad row take nothing with it', async () => {
    const { file, commits, add } = bench()
    const results = await Promise.allSettled([
      commits.write(add('a')),
      commits.write(() => {
        add('half')()
        throw new Error('no')
      }),
      commits.write(add('a')),
      commits.write(add('b')),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled'])
    expect(names(file)).toEqual(['a', 'b'])
  })

  it('waits for another program’s write without holding up the event loop', async () => {
    const { file, commits, add } = bench()
    const other = openRaw(file)
    other.exec('BEGIN IMMEDIATE')
    const written = commits.write(add('patient'))
    let turns = 0
    const counting = setInterval(() => (turns += 1), 5)
    await expect.poll(() => turns).toBeGreaterThan(10)
    clearInterval(counting)
    other.exec('COMMIT')
    other.close()
    await written
    expect(names(file)).toEqual(['patient'])
  })

  it('gives up on a file that stays locked, and loses no later write', async () => {
    const clock = fakeClock()
    const { file, commits, add } = bench(clock)
    const other = openRaw(file)
    other.exec('BEGIN IMMEDIATE')
    const refused = commits.write(add('late')).then(
      () => 'written',
      (error: Error) => error.message,
    )
    for (let index = 0; index < 8; index += 1) {
      await new Promise((resolve) => setImmediate(resolve))
      clock.advance(1_000)
    }
    expect(await refused).toContain('locked')
    other.exec('COMMIT')
    other.close()
    const after = commits.write(add('after'))
    clock.advance(10)
    await after
    expect(names(file)).toEqual(['after'])
  })

  it('writes at once what waits when it is told to', () => {
    const { file, commits, add } = bench()
    void commits.write(add('a'))
    commits.flush()
    expect(names(file)).toEqual(['a'])
    expect(commits.waiting).toBe(0)
  })
})
