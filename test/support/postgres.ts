import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { chownSync, existsSync, globSync, mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'

/** A PostgreSQL server of the tests' own, with its data in a temporary folder. */
export interface TestPostgres {
  /** Makes an empty database and returns its address. */
  database(name: string): string
  stop(): Promise<void>
}

const programs = globSync('/usr/lib/postgresql/*/bin').at(-1)

/** Why there is no PostgreSQL; null when there is. */
export const noPostgres: string | null =
  programs !== undefined && existsSync(path.join(programs, 'postgres'))
    ? null
    : 'PostgreSQL is not installed (apt install postgresql)'

/** Starts a server on a free port of this machine. */
export async function startPostgres(): Promise<TestPostgres> {
  if (programs === undefined) throw new Error(noPostgres ?? '')
  const bin = programs
  const folder = mkdtempSync(path.join(os.tmpdir(), 'watchkeeper-pg-'))
  // The server refuses to run as root.
  const user = process.getuid?.() === 0 ? postgresUser() : null
  const asUser = user === null ? {} : { uid: user.uid, gid: user.gid }
  if (user !== null) chownSync(folder, user.uid, user.gid)
  const data = path.join(folder, 'data')
  const port = await freePort()
  const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C.UTF-8', TZ: 'UTC' }
  execFileSync(path.join(bin, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8'], {
    ...asUser,
    env,
    cwd: folder,
    stdio: 'ignore',
  })
  const server: ChildProcess = spawn(
    path.join(bin, 'postgres'),
    ['-D', data, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-k', folder],
    { ...asUser, env, cwd: folder, stdio: 'ignore' },
  )
  const gone = new Promise<void>((resolve) => server.once('exit', () => resolve()))
  const psql = (database: string, sql: string): void => {
    execFileSync(
      path.join(bin, 'psql'),
      ['-h', '127.0.0.1', '-p', String(port), '-U', 'postgres', '-d', database, '-q', '-c', sql],
      { env, stdio: ['ignore', 'ignore', 'pipe'] },
    )
  }
  for (let tries = 0; ; tries += 1) {
    try {
      execFileSync(path.join(bin, 'pg_isready'), ['-h', '127.0.0.1', '-p', String(port), '-t', '1'], {
        env,
        stdio: 'ignore',
      })
      break
    } catch (error) {
      if (tries === 50 || server.exitCode !== null) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  return {
    database(name) {
      psql('postgres', `CREATE DATABASE ${name}`)
      return `postgres://postgres@127.0.0.1:${port}/${name}`
    },
    async stop() {
      server.kill('SIGINT')
      await gone
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function postgresUser(): { uid: number; gid: number } {
  const of = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: of('-u'), gid: of('-g') }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = net.createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as net.AddressInfo
      probe.close(() => resolve(port))
    })
  })
}
