import path from 'node:path'
import { appId } from '../../shared/app-id.ts'
import { xmlText } from './xml.ts'
import type { Unit, UnitParts } from './unit.ts'

/** Returns the property list for launchd: launchd.plist(5). */
export function launchdUnit({ command, scope, user, home, database, files }: UnitParts, uid: number): Unit {
  const isSystem = scope === 'system'
  const label = `${appId}.service`
  const folder = isSystem ? '/Library/LaunchDaemons' : path.posix.join(home, 'Library/LaunchAgents')
  const file = path.posix.join(folder, `${label}.plist`)
  const domain = isSystem ? 'system' : `gui/${uid}`
  const logs = files.has('--log') || files.has('-l') ? [] : ['--log', `${database}.log`]
  const text = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${xmlText(label)}</string>
  <key>ProgramArguments</key>
  <array>
${[...command, ...logs].map((word) => `    <string>${xmlText(word)}</string>`).join('\n')}
  </array>
${isSystem && user !== null ? `  <key>UserName</key>\n  <string>${xmlText(user)}</string>\n` : ''}  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>5</integer>
  <key>ExitTimeOut</key>
  <integer>20</integer>
  <key>Umask</key>
  <integer>63</integer>
</dict>
</plist>
`
  return {
    file,
    text,
    install: [['launchctl', 'bootstrap', domain, file]],
    replace: [['launchctl', 'bootout', `${domain}/${label}`]],
    remove: [['launchctl', 'bootout', `${domain}/${label}`]],
  }
}
