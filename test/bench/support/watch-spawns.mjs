// Loaded into a service before anything else: counts the programs that it starts and how long its event loop stood still, and writes
// both into the file that WATCHKEEPER_BENCH_REPORT names, at SIGUSR2.
import childProcess from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { monitorEventLoopDelay } from 'node:perf_hooks'

const started = []
for (const name of ['spawn', 'spawnSync', 'exec', 'execSync', 'execFile', 'execFileSync', 'fork']) {
  const original = childProcess[name]
  childProcess[name] = (program, ...rest) => {
    started.push(String(program))
    return original(program, ...rest)
  }
}
syncBuiltinESMExports()
const delay = monitorEventLoopDelay({ resolution: 20 })
delay.enable()
process.on('SIGUSR2', () => {
  writeFileSync(process.env.WATCHKEEPER_BENCH_REPORT, JSON.stringify({ started, stallMs: delay.max / 1e6 }))
  started.length = 0
  delay.reset()
})
