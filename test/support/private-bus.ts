import { execFileSync, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'

/** Returns true when a program is on the path. */
export function hasProgram(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Starts a session bus of its own and returns its address. */
export async function privateBus(): Promise<string> {
  const bus = spawn('dbus-daemon', ['--session', '--nofork', '--print-address'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  onTestFinished(() => {
    bus.kill()
  })
  return new Promise((resolve) => createInterface({ input: bus.stdout }).once('line', resolve))
}
