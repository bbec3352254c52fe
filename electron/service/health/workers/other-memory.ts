import { notOffered, type Row } from '../report.ts'
import { rounded } from './files.ts'
import { absent, measured, seldom, type OtherEdges } from './other-edges.ts'
import type { Worker } from './worker.ts'

/** Memory and processes of macOS and Windows. */

const onlyLinux = 'only Linux tells this'

export function otherMemWorker(edges: OtherEdges): Worker {
  return {
    name: 'Mem',
    functions: [
      {
        name: 'Mem_memory',
        ...seldom,
        run: async () => {
          const { total, available, free, buffers, cached } = await (await edges.library()).mem()
          return [
            {
              percent: total > 0 ? rounded((100 * (total - available)) / total) : null,
              total_bytes: total,
              available_bytes: available,
              free_bytes: free,
              buffers_bytes: measured(buffers),
              cached_bytes: measured(cached),
              shared_bytes: null,
            },
          ]
        },
      },
      {
        name: 'Mem_swap',
        ...seldom,
        run: async () => {
          const { swaptotal: total, swapused: used, swapfree: free } = await (await edges.library()).mem()
          return total > 0
            ? [
                {
                  percent: rounded((100 * used) / total),
                  total_bytes: total,
                  used_bytes: used,
                  free_bytes: free,
                },
              ]
            : notOffered('this machine has no swap')
        },
      },
      absent('Mem_pressure', onlyLinux),
      absent('Mem_rising', 'processes are looked at too seldom here to tell'),
    ],
  }
}

export function otherProcessesWorker(edges: OtherEdges): Worker {
  const isWindows = edges.platform === 'win32'
  return {
    name: 'Processes',
    functions: [
      {
        name: 'Processes_counts',
        ...seldom,
        run: async () => {
          const { all, running, blocked, sleeping, list } = await (await edges.library()).processes()
          // Windows does not tell what its processes do.
          const known = (count: number): number | null => (isWindows ? null : count)
          return [
            {
              total: all,
              threads: null,
              running: known(running),
              sleeping: known(sleeping),
              blocked: known(blocked),
              stopped: null,
              zombies: known(list.filter(({ state }) => state === 'zombie').length),
            },
          ]
        },
      },
      {
        name: 'Processes_top',
        ...seldom,
        run: async () => {
          const { list } = await (await edges.library()).processes()
          const row = (top: 'cpu' | 'memory', one: (typeof list)[number]): Row => ({
            top,
            pid: one.pid,
            process: one.name,
            user: one.user,
            // A share of all processors there, of one here.
            cpu_percent: rounded(one.cpu * edges.cpus().length, 1),
            memory_bytes: one.memRss * 1_024,
            memory_percent: rounded(one.mem, 1),
          })
          const most = (key: 'cpu' | 'mem') => [...list].sort((a, b) => b[key] - a[key]).slice(0, 5)
          return [
            ...most('cpu').map((one) => row('cpu', one)),
            ...most('mem').map((one) => row('memory', one)),
          ]
        },
      },
      absent('Processes_pressure', onlyLinux),
      absent('Processes_zombies', 'zombies are only counted here'),
    ],
  }
}
