import fc from 'fast-check'
import { expect, it } from 'vitest'
import { percentShares } from '../../electron/shared/shares.ts'

it('adds up to exactly 100.00 for any parts', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 10 ** 13 }), { minLength: 1, maxLength: 8 }), (values) => {
      const shares = Object.values(
        percentShares(Object.fromEntries(values.map((value, index) => [`p${index}`, value]))),
      )
      const total = Math.round(shares.reduce((sum, share) => sum + share, 0) * 100)
      expect(total).toBe(values.some((value) => value > 0) ? 10_000 : 0)
      expect(shares.every((share) => share >= 0 && share <= 100)).toBe(true)
    }),
  )
})

it('is within a hundredth of the exact share', () => {
  expect(percentShares({ a: 1, b: 1, c: 1 })).toEqual({ a: 33.34, b: 33.33, c: 33.33 })
  expect(percentShares({ up: 999_999, down: 1 })).toEqual({ up: 100, down: 0 })
})
