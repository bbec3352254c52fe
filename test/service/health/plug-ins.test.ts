import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { isAlive } from '../../../electron/cli/daemon/pidfile.ts'
import { systemClock } from '../../../electron/service/clock.ts'
import { createLog } from '../../../electron/service/log.ts'
import { createPlugIns, type PlugIns } from '../../../electron/service/health/plug-ins/index.ts'
import { commandOf } from '../../../electron/service/health/plug-ins/run.ts'
import { plugInFigures } from '../../../electron/service/health/figures.ts'
import { functionIn, type DaemonReport } from '../../../electron/service/health/report.ts'
import { usualSettings } from '../../../electron/service/health/settings.ts'
import { createRunner, type Worker } from '../../../electron/service/health/workers/worker.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { tellSkipped } from '../../support/skipped.ts'

const isLinux = process.platform === 'linux'
if (!isLinux) tellSkipped('limits of plug-ins and what they leave behind are tried on Linux alone')

const clock = systemClock()
const own: readonly Worker[] = [
  { name: 'Disk', functions: [{ name: 'Disk_mounts', run: () => [{ own: true }] }] },
]

interface Bench {
  readonly folder: string
  readonly plugIns: PlugIns
  readonly lines: string[]
  put(name: string, text: string, mode?: number): void
  run(): Promise<DaemonReport>
}

function bench(limits: { seconds?: number; megabytes?: number } = {}): Bench {
  const folder = path.join(temporaryFolder(), 'health-plugins')
  mkdirSync(folder, { mode: 0o755 })
  const lines: string[] = []
  const log = createLog('info', { write: (line) => lines.push(line) }, () => clock.glance().wallMs)
  const settings = {
    ...usualSettings,
    plugInLimitS: limits.seconds ?? 10,
    plugInMegabytes: limits.megabytes ?? 256,
  }
  const plugIns = createPlugIns(clock, log, folder, () => settings)
  return {
    folder,
    plugIns,
    lines,
    put(name, text, mode = 0o755) {
      writeFileSync(path.join(folder, name), text)
      chmodSync(path.join(folder, name), mode)
    },
    async run() {
      const runner = createRunner(clock)
      for (;;) {
        const report = await runner.run(plugIns.added(own))
        // A report does not wait for slow ones: they are in one of the next.
        if (!JSON.stringify(report).includes('has not answered yet')) return report
        await new Promise((resolve) => clock.after(20, () => resolve(null)))
      }
    },
  }
}
const shell = (text: string): string => `#!/bin/sh\n${text}\n`
const errorOf = (report: DaemonReport, name: string): unknown => functionIn(report, name)?.data[0]?.['error']

describe('plug-ins', () => {
  it('add a function to a worker, and a worker of their own, and are gone when their file is', async () => {
    const { put, run, plugIns, folder } = bench()
    put('Disk_trash.sh', shell(`echo '[{"name":"a","bytes":5},{"name":"b","bytes":7,"note":"x"}]'`))
    put('Rooms_air.mjs', 'export default async () => ({ celsius: 21.5 })', 0o644)
    const report = await run()
    expect(
      report.worker_reports.map(({ name, function_reports: all }) => [name, all.map((one) => one.name)]),
    ).toEqual([
      ['Disk', ['Disk_mounts', 'Disk_trash']],
      ['Rooms', ['Rooms_air']],
    ])
    expect(functionIn(report, 'Disk_mounts')?.data).toEqual([{ own: true }])
    expect(functionIn(report, 'Rooms_air')?.data).toEqual([{ celsius: 21.5 }])
    expect(plugInFigures(report, plugIns.names)).toMatchObject([
      { kind: 'plug-in', item: 'Disk_trash a bytes', value: 5 },
      { kind: 'plug-in', item: 'Disk_trash b bytes', value: 7 },
      { kind: 'plug-in', item: 'Rooms_air celsius', value: 21.5 },
    ])
    rmSync(path.join(folder, 'Rooms_air.mjs'))
    expect((await run()).worker_reports.map(({ name }) => name)).toEqual(['Disk'])
  })

  it('are ended at their time limit, with everything that they started', async () => {
    const { put, run, folder } = bench({ seconds: 1 })
    const mark = path.join(folder, '.alive')
    put('Slow_one.sh', shell(`(sleep 3; touch ${mark}) & sleep 60`))
    put('Disk_fine.sh', shell(`echo '{}'`))
    const report = await run()
    expect(errorOf(report, 'Slow_one')).toBe('it took longer than 1 s and was ended')
    expect(functionIn(report, 'Disk_fine')?.data).toEqual([{}])
    await new Promise((resolve) => clock.after(3_000, () => resolve(null)))
    expect(existsSync(mark)).toBe(false)
  }, 20_000)

  it.runIf(isLinux)(
    'are ended when they take too much memory, with their children',
    async () => {
      const { put, run } = bench({ megabytes: 64 })
      put(
        'Greedy_child.sh',
        shell(`${process.execPath} -e 'const a=[];setInterval(()=>a.push(Buffer.alloc(2e7,1)),20)'`),
      )
      put('Greedy_own.mjs', 'const a = []; for (;;) a.push(new Array(1e5).fill(Math.random()))', 0o644)
      const report = await run()
      expect(errorOf(report, 'Greedy_child')).toBe('it took more than 64 MB of memory and was ended')
      expect(String(errorOf(report, 'Greedy_own'))).toMatch(/more than 64 MB|heap out of memory|SIGABRT/)
    },
    30_000,
  )

  it.runIf(isLinux)(
    'are ended when a process that left parent, group and session takes too much memory',
    async () => {
      const { put, run } = bench({ megabytes: 64, seconds: 20 })
      const greedy = `${process.execPath} -e 'const a=[];setInterval(()=>a.push(Buffer.alloc(2e7,1)),20)'`
      put('Greedy_orphan.sh', shell(`setsid sh -c "sh -c \\"${greedy}\\" &"\nsleep 60`))
      put('Greedy_group.sh', shell(`(sh -c "${greedy} &")\nsleep 60`))
      const report = await run()
      for (const name of ['Greedy_orphan', 'Greedy_group'])
        expect(errorOf(report, name)).toBe('it took more than 64 MB of memory and was ended')
    },
    30_000,
  )

  it.runIf(isLinux)(
    'leave no process behind, whatever they started, and are not held up by it',
    async () => {
      const { put, run, folder } = bench({ seconds: 8 })
      const pids = path.join(folder, '.pids')
      put(
        'Leaves_some.sh',
        shell(`: > ${pids}
setsid sh -c 'echo $$ >> ${pids}; sleep 300' &
(setsid sh -c '(sh -c "echo \\$\\$ >> ${pids}; sleep 300" >/dev/null 2>&1 &)')
while [ "$(wc -l < ${pids})" -lt 2 ]; do :; done
echo '{"left":2}'`),
      )
      expect(functionIn(await run(), 'Leaves_some')?.data).toEqual([{ left: 2 }])
      const left = readFileSync(pids, 'utf8').trim().split('\n').map(Number)
      expect(left).toHaveLength(2)
      // A kill is sent and not waited for: the system takes a moment to end what it hits.
      await expect.poll(() => left.filter(isAlive)).toEqual([])
    },
    20_000,
  )

  it('that are modules and throw are marked with what they said', async () => {
    const { put, run } = bench()
    put('Bad_throws.mjs', "throw new Error('no air here')", 0o644)
    put(
      'Bad_later.mjs',
      "export default () => new Promise(() => setTimeout(() => { throw new Error('too late') }))",
      0o644,
    )
    put('Bad_async.mjs', "export default async () => { throw new Error('no more') }", 0o644)
    const report = await run()
    expect(errorOf(report, 'Bad_throws')).toBe('it ended with exit code 1: no air here')
    expect(errorOf(report, 'Bad_later')).toBe('it ended with exit code 1: too late')
    expect(errorOf(report, 'Bad_async')).toBe('it ended with exit code 1: no more')
  })

  it.each([
    ['writes nothing', shell('true'), 'it wrote nothing'],
    ['writes no JSON', shell('echo hello'), 'what it wrote is no JSON'],
    ['writes a number', shell('echo 5'), 'it must write a JSON object, or a list of them'],
    ['writes lists of lists', shell('echo "[[1]]"'), 'it must write a JSON object, or a list of them'],
    ['fails', shell('echo broken >&2; exit 3'), 'it ended with exit code 3: broken'],
    ['is no program', 'nonsense', 'nonsense'],
    ['writes without end', shell('yes'), 'it wrote more than 256 kB and was ended'],
    [
      'names an interpreter that is not there',
      '#!/nowhere/at/all\n',
      'is not there, or what its first line names is not',
    ],
  ])('that %s are marked and stop nothing', async (_, text, expected) => {
    const { put, run } = bench()
    put('Bad_one.sh', text)
    const report = await run()
    expect(String(errorOf(report, 'Bad_one'))).toContain(expected)
    expect(functionIn(report, 'Disk_mounts')?.data).toEqual([{ own: true }])
  })

  it('are not run when their name, their rights or their owner are wrong, and say so once', async () => {
    const { put, run, plugIns, lines } = bench()
    put('notes.txt', 'x')
    put('Disk_mounts.sh', shell('echo "{}"'))
    put('Disk_open.sh', shell('echo "{}"'), 0o777)
    put('Disk_plain.sh', shell('echo "{}"'), 0o644)
    await run()
    await run()
    expect(plugIns.list(own).plugIns.map(({ file, problem }) => [file, problem])).toEqual([
      ['Disk_mounts.sh', 'there is a function Disk_mounts already'],
      ['Disk_open.sh', 'others may write to it (chmod go-w)'],
      ['Disk_plain.sh', 'it is not executable (chmod +x)'],
      ['notes.txt', 'its name is not a worker and a function, such as Disk_trash.sh'],
    ])
    expect(lines.filter((line) => line.includes('is not used'))).toHaveLength(4)
  })

  it('do not hold up a report, and are in the next one', async () => {
    const { put, plugIns } = bench({ seconds: 2 })
    put('Slow_hangs.sh', shell('sleep 60'))
    const runner = createRunner(clock)
    const beganMs = clock.glance().monotonicMs
    const report = await runner.run(plugIns.added(own))
    expect(clock.glance().monotonicMs - beganMs).toBeLessThan(1_900)
    expect(functionIn(report, 'Slow_hangs')?.data).toEqual([{ not_offered: 'it has not answered yet' }])
    expect(functionIn(report, 'Disk_mounts')?.data).toEqual([{ own: true }])
    plugIns.stop()
    await new Promise((resolve) => setImmediate(resolve))
    expect(errorOf(await runner.run(plugIns.added(own)), 'Slow_hangs')).toBe('the service is stopping')
  })

  it.runIf(isLinux)('that leave their group are not read any more', async () => {
    const { put, run } = bench()
    put('Escapes_group.sh', shell('setsid sh -c "sleep 1; yes | head -c 50000000" & sleep 0.2; yes'))
    expect(errorOf(await run(), 'Escapes_group')).toBe('it wrote more than 256 kB and was ended')
  })

  it('see nothing of the service’s environment but what any program has', async () => {
    const { put, run } = bench()
    process.env['WATCHKEEPER_KEY'] = 'secret'
    put('Env_all.mjs', 'export default () => Object.keys(process.env).map((name) => ({ name }))', 0o644)
    const rows = functionIn(await run(), 'Env_all')?.data ?? []
    delete process.env['WATCHKEEPER_KEY']
    expect(rows.length).toBeGreaterThan(0)
    expect(JSON.stringify(rows)).not.toMatch(/WATCHKEEPER_KEY|NODE_OPTIONS|VITEST/)
  })

  it('work as the examples that ship', async () => {
    const { run, folder } = bench()
    const examples = fileURLToPath(new URL('../../../resources/health-plugins/', import.meta.url))
    for (const name of ['Disk_trash.sh', 'Rooms_count.mjs']) {
      writeFileSync(path.join(folder, name), readFileSync(path.join(examples, name)))
      chmodSync(path.join(folder, name), 0o755)
    }
    const report = await run()
    const [trash] = functionIn(report, 'Disk_trash')?.data ?? []
    expect(trash).toSatisfy((row: object) => 'bytes' in row || 'not_offered' in row)
    expect(functionIn(report, 'Rooms_count')?.data).toEqual([{ name: 'data', files: 1 }])
  })

  it('are started by what their ending says, also on Windows', () => {
    const limits = { seconds: 1, megabytes: 64 }
    expect(commandOf('C:\\x\\A_b.ps1', limits, 'win32', 'node')).toEqual({
      program: 'powershell.exe',
      args: ['-NoProfile', '-NonInteractive', '-File', 'C:\\x\\A_b.ps1'],
    })
    expect(commandOf('A_b.cmd', limits, 'win32', 'node')).toEqual({
      program: 'cmd.exe',
      args: ['/d', '/c', 'A_b.cmd'],
    })
    expect(commandOf('/x/A_b', limits, 'linux', 'node')).toEqual({ program: '/x/A_b', args: [] })
    expect(commandOf('/x/A_b.mjs', limits, 'darwin', 'node').args.slice(-2)).toEqual(['--', '/x/A_b.mjs'])
  })
})
