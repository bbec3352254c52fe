import path from 'node:path'
import type { Unit, UnitParts } from './unit.ts'

const unitName = 'watchkeeper.service'

/** Returns the unit for systemd: https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html */
export function systemdUnit(parts: UnitParts): Unit {
  const { scope, home, command } = parts
  const isSystem = scope === 'system'
  const file = isSystem
    ? `/etc/systemd/system/${unitName}`
    : path.join(home, '.config/systemd/user', unitName)
  const systemctl = ['systemctl', ...(isSystem ? [] : ['--user'])]
  const text = `[Unit]
Description=Watchkeeper
After=network-online.target
${isSystem ? 'Wants=network-online.target\n' : ''}
[Service]
Type=notify
NotifyAccess=main
ExecStart=${command.map(quoted).join(' ')}
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=5
# Wrong options do not get right by trying again.
RestartPreventExitStatus=2
# A service whose event loop stands still for this long is started again.
WatchdogSec=60
# A large database takes its time to be checked, and the last stamp is worth waiting for.
TimeoutStartSec=300
TimeoutStopSec=20
UMask=0077
${isSystem ? hardening(parts) : ''}
[Install]
WantedBy=${isSystem ? 'multi-user.target' : 'default.target'}
`
  return {
    file,
    text,
    install: [
      // systemd lets the service write only to a folder that is there.
      ...(parts.hasFolder || !isSystem ? [] : [makeFolder(parts)]),
      [...systemctl, 'daemon-reload'],
      [...systemctl, 'enable', unitName],
      // One that runs already goes on with the old unit otherwise.
      [...systemctl, 'restart', unitName],
    ],
    replace: [],
    remove: [
      [...systemctl, 'disable', '--now', unitName],
      [...systemctl, 'daemon-reload'],
    ],
  }
}

function makeFolder({ user, database }: UnitParts): string[] {
  return ['install', '-d', '-m', '0700', ...(user === null ? [] : ['-o', user]), path.dirname(database)]
}

/**
 * Not among these: what would forbid just-in-time code (MemoryDenyWriteExecute), reading how the clock is kept (ProtectClock), other
 * processes (ProtectProc) or drives (PrivateDevices).
 */
function hardening({ user, database, command, files }: UnitParts): string {
  const isIn = (folder: RegExp): boolean => [database, ...command].some((place) => folder.test(place))
  const folders = new Set([database, ...files.values()].map((file) => path.dirname(file)))
  // The journal tells why this machine stopped only to those who may read it.
  const runAs = user === null ? '' : `User=${user}\nSupplementaryGroups=systemd-journal\n`
  return `${runAs}ReadWritePaths=${[...folders].map(quoted).join(' ')}
ProtectSystem=strict
ProtectHome=${isIn(/^\/(?:home|root)\//) ? 'no' : 'read-only'}
PrivateTmp=${isIn(/^\/(?:var\/)?tmp\//) ? 'no' : 'yes'}
NoNewPrivileges=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictSUIDSGID=yes
RestrictRealtime=yes
RestrictNamespaces=yes
LockPersonality=yes
SystemCallArchitectures=native
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
# Echoes to hosts, for users who may not send them otherwise.
AmbientCapabilities=CAP_NET_RAW
`
}

/** Quotes a word as systemd.syntax(7) has it; `%` would begin a specifier and `$` a variable. */
function quoted(word: string): string {
  const safe = word
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('%', '%%')
    .replaceAll('$', '$$$$')
  return /[\s"'\\;]/.test(word) ? `"${safe}"` : safe
}
