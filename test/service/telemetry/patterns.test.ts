import { describe, expect, it } from 'vitest'
import type { RecordPage } from '../../../electron/shared/api/telemetry.ts'
import { expressionOf } from '../../../electron/service/telemetry/records/patterns.ts'
import { startTestService } from '../../support/service.ts'
import { aRecord } from '../../support/records.ts'

describe('patterns over payloads', () => {
  it('are those of JavaScript, and what PostgreSQL knows beside them', () => {
    const fits = (pattern: string, text: string): boolean => {
      const { source, flags } = expressionOf(pattern)
      return new RegExp(source, flags).test(text)
    }
    expect(fits('a\\-b', 'a-b')).toBe(true)
    expect(fits('\\"x\\"', '"x"')).toBe(true)
    expect(fits('(?i)hello', 'say HELLO')).toBe(true)
    expect(fits('(?i)a\\-b', 'A-B')).toBe(true)
    expect(fits('hello', 'HELLO')).toBe(false)
    expect(fits('^\\p{Lu}', 'Über')).toBe(true)
    expect(fits('^b$', 'a\nb\nc')).toBe(true)
    for (const wrong of ['(', 'a**', '(?i)(', '\\-('])
      expect(() => expressionOf(wrong), wrong).toThrow('the pattern cannot be used')
  })

  it('that explode hold up no list, and beyond a few are asked to come again', async () => {
    const test = await startTestService()
    const { telemetry } = test.service
    await telemetry
      .store()
      .insert({ record: aRecord({ payload: `${'a'.repeat(5_000)}!` }), serverMs: Date.now() }, 0)
    const list = async (query: string): Promise<{ status: number; error?: string }> => {
      const response = await test.fetch(`/api/v1/telemetry/records?${query}`)
      return { status: response.status, ...((await response.json()) as object) }
    }
    // Both threads are there before anything is compared.
    await Promise.all([list('limit=1'), list('limit=1&payload=a')])
    const ended: string[] = []
    const explode = async (): Promise<{ status: number; error?: string }> => {
      const answer = await list('payload=%5E(a%2B)%2B%24')
      ended.push(answer.status === 429 ? 'refused' : 'pattern')
      return answer
    }
    const patterns = Array.from({ length: 12 }, explode)
    for (const path of ['/api/records?limit=1', '/api/v1/telemetry/records', '/api/v1/telemetry/crashes']) {
      expect((await test.fetch(path)).status).toBe(200)
      ended.push('list')
    }
    const answers = await Promise.all(patterns)
    expect(ended.filter((what) => what !== 'refused').slice(0, 3)).toEqual(['list', 'list', 'list'])
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused).toHaveLength(7)
    expect(refused[0]?.error).toContain('come again')
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(5)
    const page = (await (
      await test.fetch('/api/v1/telemetry/records?payload=(%3Fi)A%5C!')
    ).json()) as RecordPage
    expect(page.records).toHaveLength(1)
  }, 30_000)
})
