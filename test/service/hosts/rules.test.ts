import { describe, expect, it } from 'vitest'
import {
  addSample,
  isInDoubt,
  noStreaks,
  phaseOf,
  retryOf,
  showsConnection,
  wishOf,
  type Policy,
  type Streaks,
} from '../../../electron/service/hosts/rules.ts'
import type { ProbeVerdict } from '../../../electron/service/hosts/schema.ts'

const policy: Policy = { failures: 3, successes: 2, degradedMs: 300, degradedLoss: 20 }
const timeout = { kind: 'timeout', text: 'timeout' } as const

/** Samples: a number is an answer after so many ms, x is none; one second apart. */
function after(samples: readonly (number | 'x')[], from: Streaks = noStreaks): Streaks {
  return samples.reduce<Streaks>(
    (streaks, sample, index) =>
      addSample(
        streaks,
        {
          atMs: 1_000 * (index + 1),
          isOk: sample !== 'x',
          ms: sample === 'x' ? null : sample,
          cause: sample === 'x' ? timeout : null,
          lost: [sample === 'x'],
        },
        policy,
      ),
    from,
  )
}

describe('verdicts', () => {
  it.each<[string, ProbeVerdict, (number | 'x')[], string | null, number?]>([
    ['the first answer makes it up', 'new', [1], 'up', 1_000],
    ['a first failure alone says nothing', 'new', ['x'], null],
    ['three first failures make it down from the first on', 'new', ['x', 'x', 'x'], 'down', 1_000],
    ['two failures do not', 'up', [1, 'x', 'x'], null],
    ['an answer between begins the count anew', 'up', ['x', 'x', 1, 'x', 'x'], null],
    ['three in a row do, from the first of them on', 'up', [1, 'x', 'x', 'x'], 'down', 2_000],
    ['one answer does not make it up again', 'down', ['x', 1], null],
    ['two do, from the first of them on', 'down', ['x', 1, 1], 'up', 2_000],
    ['slow three times is degraded', 'up', [400, 400, 400], 'degraded', 1_000],
    ['slow twice is not', 'up', [400, 400, 1], null],
    ['quick three times is no longer degraded', 'degraded', [400, 1, 1, 1], 'up', 2_000],
    ['down wins over degraded', 'degraded', [400, 'x', 'x', 'x'], 'down', 2_000],
  ])('%s', (_name, verdict, samples, wanted, sinceMs) => {
    const wish = wishOf(verdict, after(samples), policy)
    expect(wish?.verdict ?? null).toBe(wanted)
    if (sinceMs !== undefined) expect(wish?.sinceMs).toBe(sinceMs)
  })

  it('loss over the latest twenty echoes is degraded, though each failure is alone', () => {
    const lossy = Array.from({ length: 20 }, (_, index) => (index % 4 === 3 ? ('x' as const) : 1))
    const streaks = after(lossy)
    expect(wishOf('up', after([1], streaks), policy)).toMatchObject({
      verdict: 'degraded',
      cause: { text: '25 % of the latest 20 echoes were lost' },
    })
    const healed = after(Array<number>(30).fill(1), streaks)
    expect(wishOf('degraded', healed, policy)?.verdict).toBe('up')
  })

  it('in doubt is whoever the latest sample contradicts', () => {
    expect(isInDoubt('up', after([1, 'x']))).toBe(true)
    expect(isInDoubt('up', after(['x', 1]))).toBe(false)
    expect(isInDoubt('down', after(['x', 1]))).toBe(true)
    expect(isInDoubt('down', after(['x']))).toBe(false)
  })
})

describe('paces', () => {
  it('confirm within a tenth of the interval, between 1 and 5 s, unless chosen', () => {
    expect(retryOf(1_000, null)).toBe(1_000)
    expect(retryOf(15_000, null)).toBe(1_500)
    expect(retryOf(60_000, null)).toBe(5_000)
    expect(retryOf(86_400_000, null)).toBe(5_000)
    expect(retryOf(60_000, 20_000)).toBe(20_000)
    expect(retryOf(10_000, 20_000)).toBe(10_000)
  })

  it('phases of neighbours in number are spread evenly', () => {
    for (const begin of [0, 17, 5_000]) {
      const phases = Array.from({ length: 1_000 }, (_, index) => phaseOf(begin + index)).sort((a, b) => a - b)
      const widest = Math.max(...phases.map((phase, index) => phase - (phases[index - 1] ?? 0)))
      expect(widest).toBeLessThan(3 / 1_000)
      expect(phases.every((phase) => phase >= 0 && phase < 1)).toBe(true)
    }
  })
})

it('what something had to answer for shows that the connection works', () => {
  expect(showsConnection({ kind: 'refused', text: '' })).toBe(true)
  expect(showsConnection({ kind: 'status', text: '' })).toBe(true)
  expect(showsConnection({ kind: 'timeout', text: '' })).toBe(false)
  expect(showsConnection({ kind: 'name-timeout', text: '' })).toBe(false)
  expect(showsConnection(null)).toBe(false)
})
