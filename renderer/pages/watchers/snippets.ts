import type { Watcher, WatcherAddresses } from '../../../electron/shared/api/watchers.ts'

/** A piece of configuration to copy. */
export interface Snippet {
  readonly title: string
  readonly code: string
}

/** Returns ready-made ways of calling a watcher. */
export function snippetsOf(
  { id, uuid, slug, token, badgeKey, schedule }: Watcher,
  origin: string,
  addresses: WatcherAddresses | null,
): Snippet[] {
  const ping = `${origin}/ping/${uuid}`
  const cron = schedule.kind === 'cron' ? schedule.expression : '0 3 * * *'
  return [
    { title: 'Run a command and tell how it went', code: `watchkeeper run ${ping} -- /path/to/job` },
    { title: 'cron', code: `${cron}  /path/to/job; curl -fsS -m 10 --retry 5 -o /dev/null ${ping}/$?` },
    {
      title: 'curl, with the output',
      code: `curl -fsS ${ping}/start\nout=$(/path/to/job 2>&1); curl -fsS -m 10 --retry 5 --data-raw "$out" ${ping}/$?`,
    },
    {
      title: 'systemd service',
      code: `[Service]\nExecStartPre=-curl -fsS -m 10 --retry 5 ${ping}/start\nExecStart=/path/to/job\nExecStopPost=curl -fsS -m 10 --retry 5 ${ping}/\${EXIT_STATUS}`,
    },
    {
      title: 'PowerShell',
      code: `Invoke-RestMethod ${ping}/start\n& C:\\path\\to\\job.exe\nInvoke-RestMethod "${ping}/$LASTEXITCODE"`,
    },
    { title: 'Shortest address (Night’s Watch)', code: `${origin}/${id}?comment=done` },
    {
      title: 'By slug (healthchecks)',
      code: `${origin}/ping/${addresses?.pingKey ?? '<ping key>'}/${slug}`,
    },
    { title: 'Uptime Kuma push', code: `${origin}/api/push/${token}?status=up&msg=OK&ping=` },
    { title: 'Heartbeat (Better Stack, openstatus)', code: `${origin}/heartbeat/${token}` },
    { title: 'Dead Man’s Snitch', code: `${origin}/${token}?m=done&s=0` },
    { title: 'Badge', code: `${origin}/b/2/${badgeKey}.svg` },
  ]
}
