import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { jobsOfCrontab, nameOf } from '../../../electron/service/watchers/jobs/crontab.ts'
import { graceOf, wrappedLine } from '../../../electron/service/watchers/jobs/job.ts'
import { jobOfPlist } from '../../../electron/service/watchers/jobs/launchd.ts'
import { jobsOfTaskList } from '../../../electron/service/watchers/jobs/tasks.ts'
import { jobOfTimer } from '../../../electron/service/watchers/jobs/timers.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { watcherBench } from '../../support/watcher-bench.ts'

const zone = 'Europe/Berlin'
const own = { origin: 'crontab of me', namesUsers: false, zone }

describe('a crontab', () => {
  it('gives its jobs with their times, and nothing for comments, settings, @reboot and lines that are none', () => {
    const text = [
      '# backups',
      'MAILTO=""',
      'PATH = /usr/bin:/bin',
      '0 3 * * *   /usr/local/bin/backup.sh --all >/dev/null 2>&1',
      '  */15  *  * * 1-5 cd /srv && ./sync.py',
      '@daily certbot renew',
      '@reboot /usr/bin/start',
      'CRON_TZ=UTC',
      '30 4 1 * * php /var/www/cron.php',
      'nonsense',
    ].join('\n')
    expect(jobsOfCrontab(text, own).map(({ name, schedule, command }) => [name, schedule, command])).toEqual([
      [
        'backup',
        { kind: 'cron', expression: '0 3 * * *', zone },
        '/usr/local/bin/backup.sh --all >/dev/null 2>&1',
      ],
      ['sync', { kind: 'cron', expression: '*/15 * * * 1-5', zone }, 'cd /srv && ./sync.py'],
      ['certbot', { kind: 'cron', expression: '0 0 * * *', zone }, 'certbot renew'],
      ['cron', { kind: 'cron', expression: '30 4 1 * *', zone: 'UTC' }, 'php /var/www/cron.php'],
    ])
  })

  it('of the system names a user before each command', () => {
    const text =
      '30 3 * * 0 root test -e /run/systemd/system || /usr/lib/e2fsprogs/e2scrub_all_cron\n@hourly www-data /bin/x\n'
    expect(
      jobsOfCrontab(text, { ...own, namesUsers: true }).map(({ name, command }) => [name, command]),
    ).toEqual([
      ['e2scrub_all_cron', 'test -e /run/systemd/system || /usr/lib/e2fsprogs/e2scrub_all_cron'],
      ['x', '/bin/x'],
    ])
  })

  it.each([
    ['sudo nice -n 19 /opt/x/dump.sh', 'dump'],
    ['FOO=1 BAR=2 ./run', 'run'],
    ['"/opt/my tool" -x', 'my'],
    ['python3 -m venv.tool', 'venv.tool'],
    ['flock /tmp/lock borg create', 'lock'],
  ])('names %s by what it runs', (command, name) => {
    expect(nameOf(command)).toBe(name)
  })

  it('line is wrapped so that its job reports, and stays the same job', () => {
    const before = '0 3 * * * '
    expect(wrappedLine({ before, command: '/usr/bin/backup --all' }, 'backup')).toBe(
      '0 3 * * * watchkeeper run backup -- /usr/bin/backup --all',
    )
    expect(wrappedLine({ before, command: "echo 'a b' | mail me" }, 'mail')).toBe(
      "0 3 * * * watchkeeper run mail -- sh -c 'echo '\\''a b'\\'' | mail me'",
    )
  })
})

describe('a grace', () => {
  it('is a tenth of the time between runs, between five minutes and two hours, and what the scheduler takes', () => {
    expect(graceOf(24 * 3_600_000, 0)).toBe(2 * 3_600_000)
    expect(graceOf(3_600_000, 0)).toBe(6 * 60_000)
    expect(graceOf(60_000, 0)).toBe(5 * 60_000)
    expect(graceOf(3_600_000, 90_000)).toBe(8 * 60_000)
    expect(graceOf(null, 0)).toBe(2 * 3_600_000)
  })
})

describe('a timer of systemd', () => {
  const of = (entries: [string, unknown][]) => jobOfTimer('backup.timer', new Map(entries), false, zone)

  it('is watched by the last result of its unit, at its calendar event or period', () => {
    expect(
      of([
        ['Unit', 'backup.service'],
        ['TimersCalendar', [['OnCalendar', '*-*-* 03:00:00', 1_795_000_000_000_000]]],
        ['TimersMonotonic', []],
        ['RandomizedDelayUSec', 600_000_000],
        ['AccuracyUSec', 60_000_000],
      ]),
    ).toMatchObject({
      name: 'backup',
      schedule: { kind: 'calendar', expression: '*-*-* 03:00:00', zone },
      slackMs: 660_000,
      source: { kind: 'unit', unit: 'backup.service' },
    })
    expect(
      of([
        ['Unit', 'x.service'],
        [
          'TimersMonotonic',
          [
            ['OnBootUSec', 5, 1],
            ['OnUnitActiveUSec', 3_600_000_000, 1],
          ],
        ],
      ]),
    ).toMatchObject({ schedule: { kind: 'period', periodMs: 3_600_000 } })
  })

  it('that starts no service, runs once, or is systemd’s own is left out', () => {
    expect(of([['Unit', 'x.target']])).toBeNull()
    expect(
      of([
        ['Unit', 'x.service'],
        ['TimersMonotonic', [['OnBootUSec', 5, 1]]],
      ]),
    ).toBeNull()
    expect(
      of([
        ['Unit', 'systemd-tmpfiles-clean.service'],
        ['TimersCalendar', [['OnCalendar', 'daily', 1]]],
      ]),
    ).toBeNull()
  })
})

describe('an agent of launchd', () => {
  const plist = (inner: string) =>
    `<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd"><plist version="1.0"><dict><key>Label</key><string>com.example.backup</string><key>ProgramArguments</key><array><string>/bin/sh</string><string>/opt/backup.sh</string></array>${inner}</dict></plist>`

  it('is due at its calendar interval or after its interval', () => {
    expect(
      jobOfPlist(
        plist(
          '<key>StartCalendarInterval</key><dict><key>Hour</key><integer>3</integer><key>Minute</key><integer>5</integer></dict>',
        ),
        'x',
        true,
        zone,
      ),
    ).toMatchObject({
      name: 'backup',
      command: '/bin/sh /opt/backup.sh',
      schedule: { kind: 'cron', expression: '5 3 * * *', zone },
      source: { kind: 'unit', unit: 'com.example.backup', user: true },
    })
    expect(
      jobOfPlist(plist('<key>StartInterval</key><integer>900</integer>'), 'x', false, zone),
    ).toMatchObject({
      schedule: { kind: 'period', periodMs: 900_000 },
    })
  })

  it('that runs always, is disabled, or is no text is left out', () => {
    expect(jobOfPlist(plist('<key>KeepAlive</key><true/>'), 'x', true, zone)).toBeNull()
    expect(
      jobOfPlist(
        plist('<key>StartInterval</key><integer>9</integer><key>Disabled</key><true/>'),
        'x',
        true,
        zone,
      ),
    ).toBeNull()
    expect(jobOfPlist('bplist00\u0000\u0001', 'x', true, zone)).toBeNull()
    expect(jobOfPlist('', 'x', true, zone)).toBeNull()
  })
})

describe('tasks of Windows', () => {
  const trigger = { kind: '', start: null, days: null, weeks: null, weekdays: null, repeat: null }
  const of = (given: object) =>
    jobsOfTaskList(
      JSON.stringify({
        path: '\\Own\\Backup',
        command: 'backup.exe /all',
        triggers: [{ ...trigger, ...given }],
      }),
      zone,
    )

  it('are due daily, weekly, or again and again', () => {
    expect(of({ kind: 'MSFT_TaskDailyTrigger', start: '2026-01-01T03:05:00', days: 1 })[0]).toMatchObject({
      name: 'Backup',
      schedule: { kind: 'cron', expression: '5 3 * * *', zone },
      source: { kind: 'unit', unit: '\\Own\\Backup' },
    })
    expect(
      of({ kind: 'MSFT_TaskWeeklyTrigger', start: '2026-01-01T22:00:00', weeks: 1, weekdays: 0b0100010 })[0],
    ).toMatchObject({
      schedule: { kind: 'cron', expression: '0 22 * * 1,5' },
    })
    expect(
      of({ kind: 'MSFT_TaskDailyTrigger', start: '2026-01-01T03:05:00', days: 1, repeat: 'PT1H30M' })[0],
    ).toMatchObject({
      schedule: { kind: 'period', periodMs: 5_400_000 },
    })
    expect(of({ kind: 'MSFT_TaskLogonTrigger' })).toEqual([])
    expect(jobsOfTaskList('', zone)).toEqual([])
  })
})

describe('the jobs of a machine', () => {
  it('are proposed once each, with what watches them, and known when there is a watcher', async () => {
    const root = temporaryFolder()
    mkdirSync(path.join(root, 'etc/cron.d'), { recursive: true })
    writeFileSync(path.join(root, 'etc/crontab'), '17 * * * * root /usr/bin/report\n61 * * * * root bad\n')
    writeFileSync(path.join(root, 'etc/cron.d/extra'), '0 3 * * * root /usr/bin/report\n')
    writeFileSync(path.join(root, 'etc/cron.d/old.dpkg-bak'), '0 3 * * * root /usr/bin/never\n')
    const bench = await watcherBench(fakeClock(), {
      sources: {
        platform: 'linux',
        root,
        systemBus: null,
        userBus: null,
        run: (_program, [option]) =>
          Promise.resolve({ code: 0, output: option === '-l' ? '0 5 * * 6 /home/me/tidy.sh\n' : '' }),
      },
    })
    await bench.watchers.create({ name: 'report', schedule: { kind: 'period', periodMs: 3_600_000 } })
    const list = await bench.watchers.proposals()
    expect(
      list.map(({ slug, origin, known, graceMs, wrapped }) => [
        slug,
        origin.replace(/ of .*/, ''),
        known,
        graceMs / 60_000,
        wrapped,
      ]),
    ).toEqual([
      ['report', '/etc/crontab', true, 6, '17 * * * * root watchkeeper run report -- /usr/bin/report'],
      [
        'report-2',
        '/etc/cron.d/extra',
        false,
        120,
        '0 3 * * * root watchkeeper run report-2 -- /usr/bin/report',
      ],
      ['tidy', 'crontab', false, 120, '0 5 * * 6 watchkeeper run tidy -- /home/me/tidy.sh'],
    ])
  })
})
