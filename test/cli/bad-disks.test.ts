import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { latestVersion } from '../../electron/service/store/migrate.ts'
import { findDamage } from '../../electron/service/store/repair.ts'
import { runCli, runProgram, startServe } from '../support/cli.ts'
import { openRaw } from '../support/raw-database.ts'
import { temporaryFolder } from '../support/temporary.ts'

const isRoot = process.getuid?.() === 0
/** An ordinary user to run as when the tests run as root, for whom no folder is read-only. */
const nobody = isRoot ? { uid: 65_534 } : {}

async function canMount(): Promise<boolean> {
  const { code } = await runProgram('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'tmpfs', '/tmp']).catch(
    () => ({ code: 1 }),
  )
  return code === 0
}

describe('a folder that may not be written to', () => {
  it('is one line on standard error and a failure, for a new database and for an old one', async () => {
    const folder = temporaryFolder()
    chmodSync(folder, 0o755)
    const inside = path.join(folder, 'read-only')
    mkdirSync(inside, { mode: 0o555 })
    for (const database of [path.join(inside, 'w.db'), path.join(inside, 'deeper', 'w.db')]) {
      const { code, stderr, stdout } = await runCli(
        ['serve', '-d', database, '--listen', '127.0.0.1:0'],
        nobody,
      )
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr.trim().split('\n').at(-1)).toMatch(
        /^watchkeeper: cannot open .*(unable to open database file|EACCES)/,
      )
    }
    const { stdout } = await runCli(['doctor', '-d', path.join(inside, 'w.db')], nobody)
    expect(stdout).toMatch(/FAIL {2}.*cannot be written to by this user\n {6}→ run as the user that owns it/)
  })
})

describe('a damaged database', () => {
  it('is moved aside, the backup takes its place, and the flights before it are still told of', async () => {
    const database = path.join(temporaryFolder(), 'w.db')
    const first = await startServe(['-d', database])
    await waitForBackup(database)
    await first.end('SIGTERM')
    const handle = openSync(database, 'r+')
    writeSync(
      handle,
      Buffer.alloc(statSync(database).size - 100, 0x5a),
      0,
      statSync(database).size - 100,
      100,
    )
    closeSync(handle)
    expect(findDamage(database)).not.toBeNull()
    const second = await startServe(['-d', database])
    expect(await second.line(/The database was damaged/)).toContain('took its place')
    await second.end('SIGTERM')
    expect((await runCli(['report', '-d', database])).stdout).toMatch(/FLIGHT #1: [\s\S]*FLIGHT #2: /)
  })
})

describe('a database of a newer Watchkeeper', () => {
  it('is refused and not touched', async () => {
    const database = path.join(temporaryFolder(), 'w.db')
    const raw = openRaw(database)
    raw.exec(`CREATE TABLE secret (x); PRAGMA user_version = ${latestVersion + 7}`)
    raw.close()
    const before = readFileSync(database)
    const { code, stderr } = await runCli(['serve', '-d', database, '--listen', '127.0.0.1:0'])
    expect([code, stderr.trim().split('\n').at(-1)]).toEqual([
      1,
      expect.stringMatching(/^watchkeeper: .*was written by a newer Watchkeeper.*left untouched/),
    ])
    expect(readFileSync(database).equals(before)).toBe(true)
    expect(existsSync(`${database}.key`)).toBe(false)
  })
})

describe('a disk that is full', async () => {
  const mounts = await canMount()
  if (!mounts) process.stdout.write('skipped: no tmpfs can be mounted in a namespace of its own here\n')

  it.skipIf(!mounts)(
    'lets stamps fail with a word, and recording goes on by itself when there is room again',
    async () => {
      const folder = temporaryFolder()
      // A tmpfs of its own namespace: filled while the service runs, then freed.
      const script = `
      set -e
      mount -t tmpfs -o size=2m tmpfs "$1"
      "$2" "$3" serve -d "$1/w.db" -i 0.1 -v debug --listen 127.0.0.1:0 -l "$4" > "$4.out" &
      pid=$!
      until grep -q 'Updated flight record' "$4" 2>/dev/null; do sleep 0.05; done
      dd if=/dev/zero of="$1/ballast" bs=4k 2>/dev/null || true
      until grep -q 'DB update failed' "$4"; do sleep 0.05; done
      origin=$(sed -n 's/^Open \\(http:[^#]*\\)#.*/\\1/p' "$4.out")
      node -e "fetch('$origin'+'healthz').then(r=>console.log('health while full', r.status))"
      rm "$1/ballast"
      failed=$(grep -n 'DB update failed' "$4" | tail -1 | cut -d: -f1)
      until tail -n +$((failed + 1)) "$4" | grep -q 'Updated flight record'; do sleep 0.05; done
      kill -TERM $pid
      wait $pid
      echo "exit $?"
      cp "$1/w.db" "$4.db"
    `
      const log = path.join(folder, 'log')
      const mountPoint = path.join(folder, 'disk')
      mkdirSync(mountPoint)
      const { command } = await import('../support/cli.ts')
      const { stdout, stderr, code } = await runProgram('unshare', [
        '-rm',
        'sh',
        '-c',
        script,
        'sh',
        mountPoint,
        process.execPath,
        command,
        log,
      ])
      expect(stderr).toBe('')
      expect([code, stdout]).toEqual([0, 'health while full 503\nexit 0\n'])
      expect(readFileSync(log, 'utf8')).toMatch(
        /ERROR {4}RECORDER: DB update failed: database or disk is full/,
      )
      expect(findDamage(`${log}.db`)).toBeNull()
      rmSync(`${log}.db`)
    },
  )

  it.skipIf(!mounts)('at the start is one line on standard error and a failure', async () => {
    const folder = temporaryFolder()
    const { command } = await import('../support/cli.ts')
    const script = `
      mount -t tmpfs -o size=32k tmpfs "$1"
      dd if=/dev/zero of="$1/ballast" bs=1k 2>/dev/null
      "$2" "$3" serve -d "$1/w.db" --listen 127.0.0.1:0
      echo "exit $?"
    `
    const { stdout, stderr } = await runProgram('unshare', [
      '-rm',
      'sh',
      '-c',
      script,
      'sh',
      folder,
      process.execPath,
      command,
    ])
    expect(stdout).toBe('exit 1\n')
    expect(stderr.trim().split('\n').at(-1)).toMatch(/^watchkeeper: .*(full|no space)/i)
  })
})

async function waitForBackup(database: string): Promise<void> {
  const { listBackups } = await import('../../electron/service/store/repair.ts')
  const { watch, mkdirSync: make } = await import('node:fs')
  make(`${database}.backups`, { recursive: true })
  if (listBackups(database, Date.now()).length > 0) return
  await new Promise<void>((resolve) => {
    const watcher = watch(`${database}.backups`, () => {
      if (listBackups(database, Date.now()).length === 0) return
      watcher.close()
      resolve()
    })
    if (listBackups(database, Date.now()).length > 0) {
      watcher.close()
      resolve()
    }
  })
}
