import { describe, expect, it } from 'vitest'
import { readConfigFile, writeConfigFile } from '../../../electron/service/configuration/file.ts'
import { parseGoDuration, tidyDomain } from '../../../electron/service/hosts/settings.ts'

describe('settings', () => {
  it.each([
    ['15s', 15_000],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['+90s', 90_000],
    ['1000ms', 1_000],
    ['1m0.5s', 60_500],
    ['', null],
    ['15', null],
    ['-5s', null],
    ['0s', null],
    ['500ms', null],
    ['48h', null],
    ['5 m', null],
    ['five', null],
  ])("Go's duration %s is %s", (text, ms) => {
    expect(parseGoDuration(text)).toBe(ms)
  })

  it('take names and addresses as they are, tidied', () => {
    expect(tidyDomain(' nas.lan. ')).toBe('nas.lan')
    expect(tidyDomain('[::1]')).toBe('::1')
    expect(tidyDomain('fe80::1%eth0')).toBe('fe80::1%eth0')
    expect(tidyDomain('_dmarc.example.org')).toBe('_dmarc.example.org')
    expect(tidyDomain('bücher.example')).toBe('bücher.example')
    for (const bad of [
      '',
      ' ',
      'a..b',
      'a b',
      'http://x',
      '1.2.3',
      '256.1.1.1',
      'x/y',
      'a'.repeat(254),
      '::g',
      '-a',
    ])
      expect(() => tidyDomain(bad), bad).toThrow('is not a host name')
  })
})

describe('a file of hosts', () => {
  it('has lengths in words, short forms, and is read back as it was written', () => {
    const text = `
anchors: [192.0.2.1]
hosts:
  - 10.0.0.1
  - domain: nas.lan
    interval: 30s
    remind: 1h
    probes: [icmp, {kind: http, url: "http://nas.lan/", timeout: 5s, slow: 0.3}]
`
    const config = readConfigFile(text)
    expect(config).toEqual({
      anchors: ['192.0.2.1'],
      hosts: [
        { domain: '10.0.0.1' },
        {
          domain: 'nas.lan',
          intervalMs: 30_000,
          remindMs: 3_600_000,
          probes: [
            { kind: 'icmp' },
            { kind: 'http', url: 'http://nas.lan/', timeoutMs: 5_000, degradedMs: 300 },
          ],
        },
      ],
    })
    expect(readConfigFile(writeConfigFile(config))).toEqual(config)
  })

  it.each([
    ['', /is empty/],
    ['hosts: 3', /hosts must be a list/],
    ['- [1]', /hosts 1: it is neither/],
    ['- {name: x}', /hosts 1: it needs a 'domain'/],
    ['- {domain: x, interval: soon}', /interval: "soon" is not a length/],
    ['hosts: [', /Flow sequence/],
    ['a: &a [*a]', /a/],
  ])('that reads %s is refused with its place', (text, words) => {
    expect(() => readConfigFile(text)).toThrow(words)
  })
})
