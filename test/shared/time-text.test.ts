import { describe, expect, it } from 'vitest'
import { clockDuration, parseInstant, parseSpan, wordDuration } from '../../electron/shared/time-text.ts'

const now = Date.UTC(2026, 10, 21, 12)

describe('wordDuration', () => {
  it.each([
    [0, '0 s'],
    [400, '0.4 s'],
    [5_000, '5 s'],
    [59_999, '1 min'],
    [725_000, '12 min 5 s'],
    [3_600_000, '1 h'],
    [86_399_999, '1 d'],
    [59_400, '59 s'],
    [183_600_000, '2 d 3 h'],
    [-725_000, '−12 min 5 s'],
  ])('says %d ms as %s', (ms, words) => {
    expect(wordDuration(ms)).toBe(words)
  })
})

describe('clockDuration', () => {
  it.each([
    [0, '00:00:00'],
    [61_000, '00:01:01'],
    [90_061_000, '1 d 01:01:01'],
  ])('says %d ms as %s', (ms, words) => {
    expect(clockDuration(ms)).toBe(words)
  })
})

describe('parseSpan', () => {
  it.each([
    ['90m', 5_400_000],
    ['24h', 86_400_000],
    ['1.5h', 5_400_000],
    ['30d', 30 * 86_400_000],
    ['1y', 365 * 86_400_000],
  ])('reads %s', (text, ms) => {
    expect(parseSpan(text)).toBe(ms)
  })
  it.each(['', '0d', '-1d', '30', 'd', '1x', '1e9d', '9'.repeat(400) + 'd'])('refuses %s', (text) => {
    expect(parseSpan(text)).toBeNull()
  })
})

describe('parseInstant', () => {
  it.each([
    ['2026-11-21T03:00:00Z', Date.UTC(2026, 10, 21, 3)],
    ['2026-11-21T03:00:00+01:00', Date.UTC(2026, 10, 21, 2)],
    ['2026-11-21 03:00', Date.UTC(2026, 10, 21, 3)],
    ['2026-11-21', Date.UTC(2026, 10, 21)],
    ['2026-11-21T03:00:00.250Z', Date.UTC(2026, 10, 21, 3, 0, 0, 250)],
    ['@1600000000', 1_600_000_000_000],
    ['now', now],
  ])('reads %s', (text, ms) => {
    expect(parseInstant(text, now)).toBe(ms)
  })
  it.each([
    '',
    'yesterday',
    '2026-13-01',
    '2026-02-30',
    '2026-11-21T25:00',
    '2026-11-21T03:60',
    '@1e99',
    '@99999999999999999',
  ])('refuses %s', (text) => {
    expect(parseInstant(text, now)).toBeNull()
  })
})
