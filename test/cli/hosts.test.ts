import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { runCli, startServe } from '../support/cli.ts'
import { temporaryFolder } from '../support/temporary.ts'

async function house(env: Record<string, string> = {}) {
  const folder = temporaryFolder()
  const database = path.join(folder, 'w.db')
  const serve = await startServe(['-d', database], { env })
  const cli = (...args: string[]) => runCli([...args, '-d', database])
  return { folder, database, serve, cli }
}

describe('watchkeeper host', () => {
  it('adds, lists, shows, changes, pauses and removes', async () => {
    const { cli, serve } = await house({ MONITORING_INTERVAL: '1m30s' })
    const port = new URL(serve.origin).port
    const added = await cli(
      'host',
      'add',
      '127.0.0.1',
      '--name',
      'self',
      '--tcp',
      port,
      '--tag',
      'a',
      '--group',
      'g',
    )
    expect(added.stdout).toBe(`Added self (1): TCP port ${port}, every 1 min 30 s.\n`)
    expect(
      (
        await cli(
          'host',
          'add',
          '127.0.0.2',
          '--parent',
          'self',
          '--every',
          '1s',
          '--failures',
          '1',
          '--tcp',
          '9',
        )
      ).code,
    ).toBe(0)
    await expect
      .poll(async () => (await cli('host', 'list', '--state', 'problem')).stdout, { timeout: 15_000 })
      .toMatch(
        /^STATE +ID +NAME +DOMAIN +UPTIME 24 H\ndown +2 +127\.0\.0\.2 +127\.0\.0\.2 +0 % +Down for .*: connection refused\.\n$/,
      )
    const shown = (await cli('host', 'show', 'self')).stdout
    expect(shown).toMatch(/^self \(1, 127\.0\.0\.1\): up\. Up for /)
    expect(shown).toContain('Every 1 min 30 s, 5 s while in doubt; down after 3 failures, up after 1.')
    expect(shown).toContain('No incidents in 30 days.')
    expect((await cli('host', 'show', '127.0.0.2')).stdout).toMatch(/down, lasts for .*: connection refused/)
    expect((await cli('host', 'change', '2', '--tcp', port)).stdout).toBe('Changed 127.0.0.2 (2).\n')
    expect((await cli('host', 'pause', '2')).stdout).toBe('127.0.0.2 (2) is paused.\n')
    expect((await cli('host', 'pause', '2')).stderr).toBe('watchkeeper: it is already paused\n')
    expect((await cli('host', 'unpause', '2')).code).toBe(0)
    expect((await cli('host', 'remove', '127.0.0.2')).stdout).toBe('Removed 127.0.0.2.\n')
    expect((await cli('host', 'list', '--search', 'nobody')).stdout).toBe('No host fits.\n')
    expect(JSON.parse((await cli('host', 'list', '--json')).stdout)).toMatchObject({ all: 1 })
  })

  it('tests from where the service runs, and says by its exit code how it went', async () => {
    const { cli, serve } = await house()
    const port = new URL(serve.origin).port
    const good = await cli(
      'host',
      'test',
      '127.0.0.1',
      '--http',
      `http://127.0.0.1:${port}/healthz`,
      '--json-path',
      '$.status',
      '--json-value',
      'ok',
    )
    expect(good).toMatchObject({ code: 0, stderr: '' })
    expect(good.stdout).toMatch(/^ok {6}http:.*: answered in .* ms\n$/)
    const bad = await cli('host', 'test', '127.0.0.1', '--tcp', '9')
    expect(bad).toMatchObject({ code: 1, stdout: 'failed  TCP port 9: connection refused\n' })
    expect(bad.stderr).toBe('watchkeeper: 127.0.0.1 did not answer as it should\n')
  })

  it('refuses with one line what it cannot do', async () => {
    const { cli } = await house()
    for (const [args, code, words] of [
      [['host', 'add', 'a b'], 1, /'a b' is not a host name or an IP address/],
      [['host', 'add', 'x', '--tcp', '70000'], 2, /--tcp: '70000' is not a whole number from 1 to 65535/],
      [['host', 'add', 'x', '--dns', 'Q'], 2, /--dns: 'Q' is not one of A, AAAA/],
      [['host', 'add', 'x', '--every', 'soon'], 2, /--every: 'soon' is not a length/],
      [['host', 'add', 'x', '--parent', 'nobody'], 1, /there is no host 'nobody'/],
      [['host', 'show', 'nobody'], 1, /there is no host 'nobody'/],
      [['host', 'change', 'nobody', '--every', '5s'], 1, /there is no host 'nobody'/],
      [['apply', '/no/such/file'], 1, /cannot read \/no\/such\/file/],
    ] as const) {
      const result = await cli(...args)
      expect(result.code, args.join(' ')).toBe(code)
      expect(result.stderr).toMatch(words)
      expect(result.stderr.trim().split('\n')).toHaveLength(1)
      expect(result.stdout).toBe('')
    }
    const away = await runCli(['host', 'list', '-d', path.join(temporaryFolder(), 'none.db')])
    expect(away).toMatchObject({ code: 3 })
    const bad = await runCli(['serve', '-d', path.join(temporaryFolder(), 'w.db')], {
      env: { MONITORING_INTERVAL: 'often' },
    })
    expect(bad.code).toBe(2)
    expect(bad.stderr).toContain("MONITORING_INTERVAL: 'often' is not a duration such as 15s")
  })
})

describe('watchkeeper apply', () => {
  it('brings hosts in line with a file again and again, and export --config gives the file back', async () => {
    const { cli, folder } = await house()
    const file = path.join(folder, 'hosts.yaml')
    writeFileSync(
      file,
      'hosts:\n  - {domain: 127.0.0.1, paused: true}\n  - {domain: b.lan, parent: 127.0.0.1, interval: 30s, paused: true}\n',
    )
    expect((await cli('apply', file, '--dry-run')).stdout).toBe(
      '+ host 127.0.0.1\n+ host b.lan\nWould be added: 2, changed: 0, removed: 0; unchanged: 0.\n',
    )
    expect((await cli('apply', file)).stdout).toContain('Were added: 2')
    const copy = path.join(folder, 'copy.yaml')
    expect((await cli('export', '--config', copy)).stdout).toBe(`Wrote ${copy}\n`)
    expect(readFileSync(copy, 'utf8')).toContain('interval: 30s')
    expect((await cli('apply', copy)).stdout).toBe('Were added: 0, changed: 0, removed: 0; unchanged: 5.\n')
    expect((await cli('export', '--config', copy)).stderr).toContain('is there already')
    expect((await cli('export', '--config', '-', '--format', 'csv')).code).toBe(2)
    writeFileSync(file, 'hosts: [b.lan]\n')
    expect((await cli('apply', file, '--prune')).stdout).toContain('- host 127.0.0.1\n')
  })
})

describe('watchkeeper ping', () => {
  it('answers like the system’s, without a service', async () => {
    const { stdout, code, stderr } = await runCli(['ping', '127.0.0.1', '-c', '2', '-i', '0.1s'])
    if (code === 2) {
      process.stdout.write(`skipped: watchkeeper ping, since ${stderr}`)
      return
    }
    expect(code).toBe(0)
    const lines = stdout.split('\n')
    expect(lines[0]).toMatch(/^PING 127\.0\.0\.1 \(127\.0\.0\.1\) 56 bytes of data, by /)
    expect(lines[1]).toMatch(/^64 bytes from 127\.0\.0\.1: icmp_seq=1 time=\d+\.\d{3} ms$/)
    expect(stdout).toContain('2 packets transmitted, 2 received, 0% packet loss')
    expect(stdout).toMatch(/rtt min\/avg\/max\/mdev = [\d.]+\/[\d.]+\/[\d.]+\/[\d.]+ ms/)
  })

  it('ends with 2 for a name that is not known', async () => {
    const { code, stderr } = await runCli(['ping', 'nosuch.invalid', '-c', '1'])
    expect(code).toBe(2)
    expect(stderr).toMatch(/nosuch\.invalid: (?:name not found|the name servers)/)
  })

  it('is told of by doctor, with the way in use', async () => {
    const { database } = await house()
    const { stdout } = await runCli(['doctor', '-d', database])
    expect(stdout).toMatch(/hosts (?:are pinged by|cannot be pinged)/)
  })
})

describe('a service that is killed in mid-incident', () => {
  it('goes on with it at its next start, opens no second one, and closes it when the host answers', async () => {
    const { cli, serve, database } = await house()
    expect(
      (await cli('host', 'add', '127.0.0.1', '--every', '1s', '--failures', '1', '--tcp', '9')).code,
    ).toBe(0)
    await expect.poll(async () => (await cli('host', 'list')).stdout, { timeout: 15_000 }).toContain('down')
    await serve.end('SIGKILL')
    const again = await startServe(['-d', database])
    await expect.poll(async () => (await cli('host', 'list')).stdout, { timeout: 15_000 }).toContain('down')
    const incidents = async (): Promise<{ up_detection: string | null }[]> => {
      const response = await fetch(`${again.origin}/status/service/127.0.0.1/incidents`, {
        headers: { 'x-api-key': again.key ?? '' },
      })
      return (await response.json()) as { up_detection: string | null }[]
    }
    expect(await incidents()).toHaveLength(1)
    await cli('host', 'change', '127.0.0.1', '--tcp', new URL(again.origin).port)
    await expect.poll(async () => (await incidents())[0]?.up_detection, { timeout: 15_000 }).not.toBeNull()
    expect(await incidents()).toHaveLength(1)
  })
})
