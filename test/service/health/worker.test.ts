import { describe, expect, it } from 'vitest'
import type { DaemonReport } from '../../../electron/service/health/report.ts'
import { createRunner, type Worker } from '../../../electron/service/health/workers/worker.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { turns } from '../../support/watcher-bench.ts'

const says = (value: string) => (): { said: string }[] => [{ said: value }]
const dataOf = (report: DaemonReport): Record<string, unknown> =>
  Object.fromEntries(
    report.worker_reports.flatMap(({ name, function_reports: all }) =>
      all.map((one) => [`${name}/${one.name}`, one.data]),
    ),
  )

describe('running workers', () => {
  it('marks a function that throws, at once or later, and runs all others', async () => {
    const runner = createRunner(fakeClock())
    const workers: Worker[] = [
      {
        name: 'A',
        functions: [
          { name: 'A_fine', run: says('fine') },
          {
            name: 'A_throws',
            run: () => {
              throw new Error('at once')
            },
          },
          { name: 'A_rejects', run: () => Promise.reject(new Error('later')) },
        ],
      },
    ]
    expect(dataOf(await runner.run(workers))).toEqual({
      'A/A_fine': [{ said: 'fine' }],
      'A/A_rejects': [{ error: 'later' }],
      'A/A_throws': [{ error: 'at once' }],
    })
  })

  it('marks one that hangs after its limit, never starts it twice, and hears it when it comes back', async () => {
    const clock = fakeClock()
    const runner = createRunner(clock)
    const hung = Promise.withResolvers<{ said: string }[]>()
    let begun = 0
    const workers: Worker[] = [
      {
        name: 'A',
        functions: [
          { name: 'A_fine', run: says('fine') },
          {
            name: 'A_hangs',
            run: () => {
              begun += 1
              return begun === 1 ? hung.promise : says('back')()
            },
          },
        ],
      },
    ]
    const first = runner.run(workers)
    await turns()
    clock.advance(5_000)
    expect(dataOf(await first)).toEqual({
      'A/A_fine': [{ said: 'fine' }],
      'A/A_hangs': [{ error: 'took longer than 5 s' }],
    })
    clock.advance(10_000)
    expect(dataOf(await runner.run(workers))['A/A_hangs']).toEqual([
      { error: 'still busy after 15 s, so it was not started again' },
    ])
    expect(begun).toBe(1)
    hung.resolve([])
    await turns()
    expect(dataOf(await runner.run(workers))['A/A_hangs']).toEqual([{ said: 'back' }])
  })

  it('never mixes the functions of two workers, whatever their names, and sorts each by name', async () => {
    const runner = createRunner(fakeClock())
    const worker = (name: string, said: string): Worker => ({
      name,
      functions: [
        { name: 'Same_z', run: says(`${said} z`) },
        { name: 'Same_a', run: says(`${said} a`) },
      ],
    })
    const report = await runner.run([worker('One', 'one'), worker('Two', 'two')])
    expect(dataOf(report)).toEqual({
      'One/Same_a': [{ said: 'one a' }],
      'One/Same_z': [{ said: 'one z' }],
      'Two/Same_a': [{ said: 'two a' }],
      'Two/Same_z': [{ said: 'two z' }],
    })
    expect(report.worker_reports.map(({ function_reports: all }) => all.map(({ name }) => name))).toEqual([
      ['Same_a', 'Same_z'],
      ['Same_a', 'Same_z'],
    ])
    expect(dataOf(await runner.run([worker('Two', 'later')]))).toEqual({
      'Two/Same_a': [{ said: 'later a' }],
      'Two/Same_z': [{ said: 'later z' }],
    })
  })

  it('runs workers side by side', async () => {
    const runner = createRunner(fakeClock())
    const gate = Promise.withResolvers<void>()
    const waiting = async (): Promise<{ said: string }[]> => {
      await gate.promise
      return [{ said: 'after' }]
    }
    const opens = (): { said: string }[] => {
      gate.resolve()
      return [{ said: 'opened' }]
    }
    const report = await runner.run([
      { name: 'A', functions: [{ name: 'A_waits', run: waiting }] },
      { name: 'B', functions: [{ name: 'B_opens', run: opens }] },
    ])
    expect(dataOf(report)).toEqual({ 'A/A_waits': [{ said: 'after' }], 'B/B_opens': [{ said: 'opened' }] })
  })

  it('keeps what a rare function said, with its own time, and no parent is earlier than its children', async () => {
    const clock = fakeClock()
    const runner = createRunner(clock)
    let count = 0
    const rare: Worker[] = [
      {
        name: 'A',
        functions: [
          {
            name: 'A_rare',
            everyMs: 60_000,
            run: () => {
              count += 1
              return [{ count }]
            },
          },
        ],
      },
    ]
    const first = await runner.run(rare)
    clock.advance(30_000)
    const second = await runner.run(rare)
    expect(second.worker_reports[0]?.function_reports).toEqual(first.worker_reports[0]?.function_reports)
    clock.step(-3_600_000)
    const third = await runner.run(rare)
    const [worker] = third.worker_reports
    expect(worker?.datetime.localeCompare(worker.function_reports[0]?.datetime ?? '')).toBeGreaterThanOrEqual(
      0,
    )
    expect(third.datetime.localeCompare(worker?.datetime ?? '')).toBeGreaterThanOrEqual(0)
    clock.advance(30_000)
    expect(dataOf(await runner.run(rare))['A/A_rare']).toEqual([{ count: 2 }])
  })
})
