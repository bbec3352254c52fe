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
${isSystem ? systemHardening(parts) : userHardening(parts)}
[Install]
WantedBy=${isSystem ? 'multi-user.target' : 'default.target'}
`
  return {
    file,
    text,
    install: [
      // systemd lets the service write only to a folder that is there.
      ...(parts.missingFolders.length === 0 || !isSystem ? [] : [makeFolders(parts)]),
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

function makeFolders({ user, missingFolders }: UnitParts): string[] {
  return ['install', '-d', '-m', '0700', ...(user === null ? [] : ['-o', user]), ...missingFolders]
}

/** What is forbidden in both kinds of units; a user's manager may do no more than this. */
const always = `NoNewPrivileges=yes
LockPersonality=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
SystemCallArchitectures=native
`

function userHardening({ mayEcho }: UnitParts): string {
  return mayEcho
    ? always
    : '# Not hardened: echoes to hosts are sent by ping(8) here, which needs rights of its own (net.ipv4.ping_group_range).\n'
}

/** What root needs to look after a whole machine: other people's files and processes, and drives by smartctl(8). */
const rootCapabilities =
  'CAP_NET_RAW CAP_NET_BIND_SERVICE CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_KILL CAP_SYS_ADMIN CAP_SYS_PTRACE CAP_SYS_RAWIO'

/**
 * Not among these: what would forbid just-in-time code (MemoryDenyWriteExecute), reading how the clock is kept (ProtectClock), other
 * processes (ProtectProc) or drives (PrivateDevices).
 */
function systemHardening({ user, database, command, files }: UnitParts): string {
  const isIn = (folder: RegExp): boolean => [database, ...command].some((place) => folder.test(place))
  const folderOfData = path.dirname(database)
  // A folder below /run is gone after the next start of the machine, and the service is to start all the same.
  const folders = new Set([...files.values()].map((file) => path.dirname(file)))
  folders.delete(folderOfData)
  const writable = [quoted(folderOfData), ...[...folders].map((folder) => quoted(`-${folder}`))]
  // The journal tells why this machine stopped only to those who may read it.
  const runAs = user === null ? '' : `User=${user}\nSupplementaryGroups=systemd-journal\n`
  return `${runAs}ReadWritePaths=${writable.join(' ')}
ProtectSystem=strict
ProtectHome=${isIn(/^\/(?:home|root)\//) ? 'no' : 'read-only'}
PrivateTmp=${isIn(/^\/(?:var\/)?tmp\//) ? 'no' : 'yes'}
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectHostname=yes
${always}# How the clock is kept is asked by adjtimex(2); setting it takes a right that is not given.
SystemCallFilter=@system-service @pkey adjtimex clock_adjtime
SystemCallErrorNumber=EPERM
CapabilityBoundingSet=${user === null ? rootCapabilities : 'CAP_NET_RAW'}
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
