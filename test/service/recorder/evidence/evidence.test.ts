import { mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { collectStopEvidence } from '../../../../electron/service/recorder/evidence/collect.ts'
import {
  evidenceFromJournal,
  evidenceFromNextBoot,
} from '../../../../electron/service/recorder/evidence/journal.ts'
import {
  evidenceFromPmset,
  evidenceFromUnifiedLog,
} from '../../../../electron/service/recorder/evidence/mac-logs.ts'
import {
  evidenceFromPanicFiles,
  panicLine,
} from '../../../../electron/service/recorder/evidence/panic-files.ts'
import { evidenceFromWindowsEvents } from '../../../../electron/service/recorder/evidence/windows-events.ts'
import { evidenceFromWtmp, parseWtmp } from '../../../../electron/service/recorder/evidence/wtmp.ts'
import { temporaryFolder } from '../../../support/temporary.ts'
import { wtmpRecord } from '../../../support/wtmp-record.ts'

const fixture = (name: string): string =>
  readFileSync(new URL(`../../../fixtures/${name}`, import.meta.url), 'utf8')
const facts = (found: readonly { fact: string }[]): string[] => found.map(({ fact }) => fact)
const at = Date.UTC(2026, 10, 21, 3)

const line = (seconds: number, identifier: string, message: string | number[], pid = '1'): string =>
  JSON.stringify({
    _PID: pid,
    __REALTIME_TIMESTAMP: String((at / 1_000 + seconds) * 1e6),
    SYSLOG_IDENTIFIER: identifier,
    MESSAGE: message,
  })

describe('the journal of a boot that ended', () => {
  it.each<[string, string[], string[]]>([
    [
      'an orderly stop',
      [
        line(0, 'systemd-logind', 'System is powering down.'),
        line(1, 'systemd', 'Reached target poweroff.target - System Power Off.'),
        line(2, 'systemd-journald', 'Received SIGTERM from PID 1 (systemd-shutdow).'),
      ],
      ['clean-stop', 'clean-stop', 'clean-stop'],
    ],
    [
      'a command',
      [
        line(0, 'sudo', '  ada : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/usr/sbin/reboot'),
        line(1, 'systemd-logind', 'System is rebooting.'),
      ],
      ['user-stop', 'clean-stop'],
    ],
    [
      'the power key',
      [
        line(0, 'systemd-logind', 'Power key pressed short.'),
        line(1, 'systemd-shutdown', 'Syncing filesystems and block devices.'),
      ],
      ['user-stop', 'clean-stop'],
    ],
    [
      'an update',
      [
        line(0, 'systemd', 'Reached target system-update.target - Offline System Update.'),
        line(1, 'systemd-logind', 'System is rebooting.'),
      ],
      ['update', 'clean-stop'],
    ],
    [
      'heat',
      [
        line(0, 'kernel', 'thermal thermal_zone0: cpu: critical temperature reached, shutting down'),
        line(1, 'systemd-logind', 'System is powering down.'),
      ],
      ['heat', 'clean-stop'],
    ],
    ['a panic', [line(0, 'kernel', 'Kernel panic - not syncing: Fatal exception')], ['panic', 'log-ends']],
    [
      'a disk that fails',
      [line(0, 'kernel', 'EXT4-fs (sda1): Remounting filesystem read-only')],
      ['disk', 'log-ends'],
    ],
    ['a power cut', [line(0, 'cron', 'session opened'), line(9, 'sshd', 'Accepted publickey')], ['log-ends']],
    ['a word in another program’s mouth', [line(0, 'myapp', 'System is powering down.')], ['log-ends']],
    [
      'a user who logs out, which says the same words',
      [line(0, 'systemd', 'Reached target shutdown.target - Shutdown.', '2211'), line(60, 'sshd', 'bye')],
      ['log-ends'],
    ],
    [
      'a shutdown that was called off',
      [line(0, 'sudo', 'ada : COMMAND=/usr/sbin/shutdown -c'), line(1, 'cron', 'on it goes')],
      ['log-ends'],
    ],
    [
      'a shutdown long before the end',
      [line(0, 'systemd-logind', 'System is rebooting.'), line(3_600, 'cron', 'on it goes')],
      ['log-ends'],
    ],
    ['nothing at all', [], []],
  ])('tells %s', (_name, lines, expected) => {
    expect(facts(evidenceFromJournal(lines.join('\n')))).toEqual(expected)
  })

  it('dates the end of a cut log and survives lines that are not JSON or not text', () => {
    const [end] = evidenceFromJournal(['not json', '{', line(5, 'app', [104, 105])].join('\n'))
    expect(end).toMatchObject({ fact: 'log-ends', atMs: at + 5_000 })
    expect(end?.text).toContain('app: hi')
  })

  it('keeps the last of very many lines of one kind', () => {
    const many = Array.from({ length: 50 }, (_, index) =>
      line(index, 'kernel', 'critical medium error, dev sda'),
    )
    const found = evidenceFromJournal(many.join('\n')).filter(({ fact }) => fact === 'disk')
    expect(found).toHaveLength(3)
    expect(found.at(-1)?.atMs).toBe(at + 49_000)
  })
})

it('the journal of the boot after tells of a file that was not closed', () => {
  const text = line(
    0,
    'systemd-journald',
    'File /var/log/journal/x/system.journal corrupted or uncleanly shut down, renaming and replacing.',
  )
  expect(facts(evidenceFromNextBoot(text))).toEqual(['unclean-boot'])
})

describe('wtmp', () => {
  it.each(['narrow', 'wide'] as const)('is read in its %s layout', (layout) => {
    const file = Buffer.concat([
      wtmpRecord(layout, 2, 'reboot', at, '6.1.0'),
      wtmpRecord(layout, 7, 'ada', at + 1_000, ''),
      wtmpRecord(layout, 1, 'runlevel', at + 2_000, ''),
      wtmpRecord(layout, 1, 'shutdown', at + 60_000, '6.1.0'),
    ])
    const records = parseWtmp(file)
    expect(records.map(({ kind }) => kind)).toEqual(['boot', 'other', 'other', 'shutdown'])
    expect(records[0]).toEqual({ atMs: at, kind: 'boot', host: '6.1.0' })
    expect(facts(evidenceFromWtmp(records, at - 1, at + 100_000))).toEqual(['boot', 'clean-stop'])
    expect(evidenceFromWtmp(records, at + 61_000, at + 100_000)).toEqual([])
  })
  it('that is something else, or cut short, gives nothing or what is whole', () => {
    expect(parseWtmp(Buffer.alloc(0))).toEqual([])
    expect(parseWtmp(Buffer.from('hello'))).toEqual([])
    expect(parseWtmp(Buffer.alloc(384, 0xff))).toEqual([])
  })
})

it('Windows’ events each tell their fact, with the system’s own words', () => {
  const found = evidenceFromWindowsEvents(fixture('windows-events.xml'))
  expect(facts(found)).toEqual([
    'user-stop',
    'clean-stop',
    'boot',
    'hybrid-off',
    'unclean-boot',
    'panic',
    'power-button',
    'unclean-boot',
    'update',
    'panic',
    'disk',
  ])
  expect(found[0]).toMatchObject({
    atMs: Date.parse('2026-11-20T21:59:58.123Z'),
    text: expect.stringContaining('DESK\\ada') as string,
  })
  expect(found[5]?.text).toContain('0xD1')
  expect(evidenceFromWindowsEvents('')).toEqual([])
  expect(evidenceFromWindowsEvents('<Event><broken')).toEqual([])
})

it('macOS’ unified log tells by cause code and by words', () => {
  const found = evidenceFromUnifiedLog(fixture('mac-unified-log.txt'))
  expect(facts(found)).toEqual([
    'clean-stop',
    'clean-stop',
    'unclean-boot',
    'heat',
    'power-button',
    'disk',
    'update',
  ])
  expect(found[0]?.atMs).toBe(Date.parse('2026-11-20T22:10:00Z'))
})

it('macOS’ power log tells of an empty battery and of heat', () => {
  expect(facts(evidenceFromPmset(fixture('mac-pmset.txt')))).toEqual(['battery', 'heat'])
})

describe('files of a crash', () => {
  it('give their first telling line when they were written in the gap', () => {
    const folder = temporaryFolder()
    mkdirSync(path.join(folder, 'boot'))
    const file = path.join(folder, 'boot', 'dmesg-erst-1')
    writeFileSync(file, '<6>[ 1.0] usb 1-1: new device\n<0>[ 9.9] Kernel panic - not syncing: softlockup\n')
    utimesSync(file, at / 1_000, at / 1_000)
    const folders = [{ folder, name: /^dmesg/, source: 'pstore' }]
    expect(evidenceFromPanicFiles(folders, at - 1, at + 1)).toMatchObject([
      { fact: 'panic', text: expect.stringContaining('softlockup') as string },
    ])
    expect(evidenceFromPanicFiles(folders, at + 1, at + 2)).toEqual([])
    expect(evidenceFromPanicFiles([{ folder: '/does/not/exist', name: /x/, source: 'x' }], 0, at)).toEqual([])
  })
  it('of macOS tell by their panic string', () => {
    expect(
      panicLine('{"bug_type":"210"}\n{"panicString" : "panic(cpu 0 caller 0xfff): watchdog timeout"}'),
    ).toContain('watchdog timeout')
    expect(panicLine('all is well')).toBeNull()
  })
})

describe('collecting', () => {
  it.each(['linux', 'win32', 'darwin'] as const)(
    'asks %s’s own programs for the time of the gap, and drops what lies outside',
    async (platform) => {
      const asked: string[] = []
      const evidence = await collectStopEvidence(
        { endMs: at, beginMs: at + 60_000, bootId: '9b77c9db-df31-42f1-918a-5cc9efd020d3' },
        platform,
        (file, args) => {
          asked.push(`${file} ${args.join(' ')}`)
          return Promise.resolve(
            platform === 'win32'
              ? fixture('windows-events.xml')
              : [
                  line(-3_600, 'systemd-logind', 'System is rebooting.'),
                  line(1, 'systemd-logind', 'System is rebooting.'),
                ].join('\n'),
          )
        },
      )
      expect(asked.length).toBeGreaterThan(0)
      expect(
        evidence.every(({ atMs }) => atMs === null || (atMs >= at - 300_000 && atMs <= at + 360_000)),
      ).toBe(true)
      if (platform === 'linux') expect(facts(evidence)).toContain('clean-stop')
      if (platform === 'linux') expect(asked[0]).toContain('-b 9b77c9dbdf3142f1918a5cc9efd020d3')
    },
  )

  it('runs for real on this system without an error', async () => {
    await expect(
      collectStopEvidence({ endMs: at, beginMs: at + 60_000, bootId: null }),
    ).resolves.toBeInstanceOf(Array)
  })
})
