import { execFile } from 'node:child_process'

/** Name on the session bus of whoever draws tray icons (https://www.freedesktop.org/wiki/Specifications/StatusNotifierItem/). */
const watcher = 'org.kde.StatusNotifierWatcher'

const questions: readonly (readonly [string, readonly string[], RegExp])[] = [
  [
    'gdbus',
    [
      ...['call', '--session', '--timeout', '2', '--dest', 'org.freedesktop.DBus'],
      ...['--object-path', '/org/freedesktop/DBus', '--method', 'org.freedesktop.DBus.NameHasOwner', watcher],
    ],
    /\(false,\)/,
  ],
  [
    'busctl',
    [
      ...['--user', '--timeout=2', 'call', 'org.freedesktop.DBus', '/org/freedesktop/DBus'],
      ...['org.freedesktop.DBus', 'NameHasOwner', 's', watcher],
    ],
    /b false/,
  ],
]

/** Resolves to false where it is certain that this desktop draws no tray icons; Electron itself cannot tell. */
export async function hasTrayHost(platform: NodeJS.Platform): Promise<boolean> {
  if (platform !== 'linux') return true
  for (const [program, args, no] of questions) {
    const answer = await run(program, args)
    if (answer !== null) return !no.test(answer)
  }
  return true
}

function run(program: string, args: readonly string[]): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(program, [...args], { timeout: 3_000 }, (error, stdout) => resolve(error ? null : stdout))
  })
}
