import { closeSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import type { TelemetrySummary, TopCrashes } from '../../electron/shared/api/telemetry.ts'
import { runCli, startServe, type ServeProcess } from '../support/cli.ts'
import { temporaryFolder } from '../support/temporary.ts'

const backtrace = (...frames: readonly string[]): string =>
  `Process: /usr/bin/app\n\nBacktrace (TID 1):\n${frames.map((frame, index) => `#${index} ${frame}`).join('\n')}\n`

describe('watchkeeper telemetry', () => {
  it('sends, lists, shows and groups records, and says what is wrong in a line', async () => {
    const database = path.join(temporaryFolder(), 'watchkeeper.db')
    await startServe(['-d', database])
    const run = (...args: readonly string[]) => runCli(['telemetry', ...args, '-d', database])
    expect(await run('send', '-c', 'a/b/c', '-p', 'hello')).toMatchObject({ code: 0, stdout: 'Sent.\n' })
    for (let index = 0; index < 3; index += 1)
      await runCli(['telemetry', 'send', '-c', 'org.clearlinux/crash/clr', '-s', '3', '-d', database], {
        input: backtrace('abort() - [libc.so.6]', 'main() - [app]'),
      })
    expect(await run('send', '-c', 'wrong', '-p', 'x')).toMatchObject({
      code: 1,
      stderr:
        'watchkeeper: the collector did not take the record: it answered 400: Classification value is invalid\n',
    })
    expect((await run('records', '--classification', '*/crash/*')).stdout.trimEnd().split('\n')).toHaveLength(
      4,
    )
    expect((await run('records', '--payload', '(')).stderr).toContain('the pattern cannot be used')
    expect((await run('show', '1')).stdout).toContain('\nhello\n')
    expect((await run('show', '99')).stderr).toBe('watchkeeper: there is no record 99\n')
    await run('send', '-c', 'a/b/c', '-p', '\u001b]0;title\u0007\u001b[31mred')
    expect((await run('show', '5')).stdout).not.toContain('\u001b')
    expect((await run('skip', 'abort()', 'libc.so.6', '--dry-run')).stdout).toBe(
      'moves 3 records from abort() - [libc.so.6] to main() - [app]\n',
    )
    expect((await run('skip', 'abort()', 'libc.so.6')).stdout).toContain('Done: skip abort()')
    expect((await run('skip')).stdout).toBe('abort() - [libc.so.6]\n')
    for (;;) {
      const top = JSON.parse((await run('crashes', '--json')).stdout) as TopCrashes
      if (top.crashes[0]?.function === 'main()') break
    }
    expect((await run('crashes')).stdout).toMatch(/^3 +1 +new +main\(\) - \[app\]$/m)
    expect((await run('crashes', '--last', 'x')).stderr).toContain("last: 'x' is not a span")
    expect((await run('purge', '--dry-run')).stdout).toBe('Would let go of 0 records: 0 by age, 0 by size.\n')
    expect((await run('status')).stdout).toContain('5 records, 3 crashes')
    expect((await runCli(['doctor', '-d', database])).stdout).toContain('5 telemetry records in')
  }, 60_000)

  it('begins a damaged file anew, and one that is gone; keeps what people decided, and gives no id twice', async () => {
    const database = path.join(temporaryFolder(), 'watchkeeper.db')
    const records = path.join(path.dirname(database), 'records.db')
    const first = await startServe(['-d', database])
    for (let index = 0; index < 40; index += 1)
      await runCli(['telemetry', 'send', '-c', 'a/b/c', '-p', 'x'.repeat(4_000), '-d', database])
    await runCli(['telemetry', 'skip', 'abort()', 'libc.so.6', '-d', database])
    await first.end('SIGTERM')
    const file = openSync(records, 'r+')
    writeSync(file, Buffer.alloc(statSync(records).size - 100, 0x55), 0, undefined, 100)
    closeSync(file)
    expect((await runCli(['doctor', '-d', database])).stdout).toContain('records.db is damaged')
    const second = await startServe(['-d', database])
    const apiOf =
      ({ origin, key }: ServeProcess) =>
      async <T>(route: string): Promise<T> =>
        (await (
          await fetch(`${origin}/api/v1/${route}`, { headers: { 'x-api-key': key ?? '' } })
        ).json()) as T
    const api = apiOf(second)
    expect(await api<TelemetrySummary>('telemetry')).toMatchObject({ state: 'ready', records: 0 })
    expect((await runCli(['telemetry', 'skip', '-d', database])).stdout).toBe('abort() - [libc.so.6]\n')
    const { events } = await api<{ events: { kind: string; text: string }[] }>('service')
    expect(events).toMatchObject([{ kind: 'records-replaced' }])
    await runCli(['telemetry', 'send', '-c', 'a/b/c', '-p', 'x', '-d', database])
    // An answer is remembered for a moment.
    while ((await api<TelemetrySummary>('telemetry')).newest === null);
    const { records: listed } = await api<{ records: { id: number }[] }>('telemetry/records')
    expect(listed[0]?.id).toBeGreaterThan(40)
    await second.end('SIGTERM')
    for (const suffix of ['', '-wal', '-shm']) rmSync(records + suffix, { force: true })
    const third = apiOf(await startServe(['-d', database]))
    expect((await runCli(['telemetry', 'skip', '-d', database])).stdout).toBe('abort() - [libc.so.6]\n')
    const [last] = (await third<{ events: { text: string }[] }>('service')).events
    expect(last?.text).toMatch(/^The file of telemetry records was not there any more, and a new one/)
  }, 60_000)
})
