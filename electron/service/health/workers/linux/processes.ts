import { readlinkSync, statSync } from 'node:fs'
import path from 'node:path'
import type { Row } from '../../report.ts'
import { rounded, type SystemFiles } from '../files.ts'
import type { Worker } from '../worker.ts'
import { pressureRows } from './mem.ts'
import type { ProcessEntry, ProcessTable } from './process-table.ts'

const mostTop = 5
const mostZombies = 20

/** Returns the row that counts all processes by state: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
export function countRow(processes: readonly ProcessEntry[]): Row {
  const count = (states: string): number => processes.filter(({ state }) => states.includes(state)).length
  return {
    total: processes.length,
    threads: processes.reduce((sum, { threads }) => sum + threads, 0),
    running: count('R'),
    sleeping: count('SI'),
    blocked: count('D'),
    stopped: count('Tt'),
    zombies: count('Z'),
  }
}

/** Returns the processes that take the most of the processor, then those that take the most memory. */
export function topRows(
  processes: readonly ProcessEntry[],
  totalBytes: number,
  userOf: (pid: number) => string,
  nameOf: (entry: ProcessEntry) => string = ({ name }) => name,
): Row[] {
  const row = (top: 'cpu' | 'memory', entry: ProcessEntry): Row => ({
    top,
    pid: entry.pid,
    process: nameOf(entry),
    user: userOf(entry.pid),
    cpu_percent: entry.cpuPercent,
    memory_bytes: entry.rssBytes,
    memory_percent: totalBytes === 0 ? 0 : rounded((100 * entry.rssBytes) / totalBytes, 1),
  })
  const most = (value: (one: ProcessEntry) => number): ProcessEntry[] =>
    processes
      .filter((one) => value(one) > 0)
      .sort((a, b) => value(b) - value(a))
      .slice(0, mostTop)
  return [
    ...most(({ cpuPercent }) => cpuPercent ?? 0).map((one) => row('cpu', one)),
    ...most(({ rssBytes }) => rssBytes).map((one) => row('memory', one)),
  ]
}

function zombieRows(processes: readonly ProcessEntry[]): Row[] {
  const names = new Map(processes.map(({ pid, name }) => [pid, name]))
  return processes
    .filter(({ state }) => state === 'Z')
    .slice(0, mostZombies)
    .map(({ pid, name, parent }) => ({
      pid,
      process: name,
      parent,
      parent_process: names.get(parent) ?? '?',
    }))
}

export function processesWorker(
  files: SystemFiles,
  table: ProcessTable,
  memory: () => ReadonlyMap<string, number>,
): Worker {
  let users: ReadonlyMap<number, string> = new Map()
  const userOf = (pid: number): string => {
    try {
      const { uid } = statSync(path.join(files.root, 'proc', String(pid)))
      if (!users.has(uid)) users = parseUsers(files.text('/etc/passwd') ?? '')
      return users.get(uid) ?? String(uid)
    } catch {
      return '?'
    }
  }
  /** Node calls its first thread so, and with it every program that it runs. */
  const nameOf = ({ pid, name }: ProcessEntry): string => {
    if (name !== 'MainThread') return name
    try {
      return path.basename(readlinkSync(path.join(files.root, 'proc', String(pid), 'exe')))
    } catch {
      return name
    }
  }
  return {
    name: 'Processes',
    functions: [
      { name: 'Processes_counts', run: async () => [countRow(await table.read())] },
      { name: 'Processes_pressure', run: () => pressureRows(files, 'cpu') },
      {
        name: 'Processes_top',
        run: async () => {
          const total = memory().get('MemTotal') ?? 0
          return topRows(await table.read(), total, userOf, nameOf)
        },
      },
      { name: 'Processes_zombies', run: async () => zombieRows(await table.read()) },
    ],
  }
}

function parseUsers(text: string): ReadonlyMap<number, string> {
  return new Map(
    text.split('\n').flatMap((line): [number, string][] => {
      const [name, , uid] = line.split(':')
      return name && uid && /^\d+$/.test(uid) ? [[Number(uid), name]] : []
    }),
  )
}
