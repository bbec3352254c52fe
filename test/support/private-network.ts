import { spawnSync } from 'node:child_process'
import { runProgram, type CliResult } from './cli.ts'

/** A network namespace of a test's own, where unprivileged ICMP sockets are allowed and nothing leads outside. */

const setUp = 'ip link set lo up && sysctl -qw net.ipv4.ping_group_range="0 0"'

/** Returns why no such network can be had here; null when it can. */
export function noPrivateNetwork(): string | null {
  const tried = spawnSync('unshare', ['-rn', 'sh', '-c', setUp], { encoding: 'utf8' })
  if (tried.error) return 'unshare is not installed'
  return tried.status === 0 ? null : tried.stderr.trim() || `unshare ended with ${String(tried.status)}`
}

/** Runs a script of TypeScript inside such a network, to its end. */
export function inPrivateNetwork(
  script: string,
  args: readonly string[] = [],
  prepare = 'true',
): Promise<CliResult> {
  return runProgram('unshare', [
    '-rn',
    'sh',
    '-c',
    `${setUp} && ${prepare} && exec "$0" "$@"`,
    process.execPath,
    script,
    ...args,
  ])
}
