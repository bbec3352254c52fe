import path from 'node:path'
import { xmlText } from './xml.ts'
import type { Unit, UnitParts } from './unit.ts'

const taskName = 'Watchkeeper'
/** LocalSystem: https://learn.microsoft.com/windows/win32/secauthz/well-known-sids */
const systemSid = 'S-1-5-18'

/** Returns the task for Windows: https://learn.microsoft.com/windows/win32/taskschd/task-scheduler-schema */
export function taskUnit({ command, scope, user, database, files }: UnitParts): Unit {
  const isSystem = scope === 'system'
  const logs = files.has('--log') || files.has('-l') ? [] : ['--log', `${database}.log`]
  const [program = '', ...args] = [...command, ...logs]
  const trigger = isSystem
    ? '<BootTrigger><Enabled>true</Enabled></BootTrigger>'
    : `<LogonTrigger><Enabled>true</Enabled>${user === null ? '' : `<UserId>${xmlText(user)}</UserId>`}</LogonTrigger>`
  const principal = isSystem
    ? `<UserId>${systemSid}</UserId><RunLevel>HighestAvailable</RunLevel>`
    : `${user === null ? '' : `<UserId>${xmlText(user)}</UserId>`}<LogonType>InteractiveToken</LogonType><RunLevel>LeastPrivilege</RunLevel>`
  const text = `<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><Description>Watchkeeper</Description></RegistrationInfo>
  <Triggers>${trigger}</Triggers>
  <Principals><Principal id="Author">${principal}</Principal></Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <Hidden>true</Hidden>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>7</Priority>
    <RestartOnFailure><Interval>PT1M</Interval><Count>999</Count></RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>${xmlText(program)}</Command>
      <Arguments>${xmlText(args.map(windowsWord).join(' '))}</Arguments>
    </Exec>
  </Actions>
</Task>
`
  const file = path.win32.join(path.win32.dirname(database), 'watchkeeper-task.xml')
  return {
    file,
    text,
    install: [
      ['schtasks', '/Create', '/TN', taskName, '/XML', file, '/F'],
      ['schtasks', '/Run', '/TN', taskName],
    ],
    replace: [['schtasks', '/End', '/TN', taskName]],
    remove: [
      ['schtasks', '/End', '/TN', taskName],
      ['schtasks', '/Delete', '/TN', taskName, '/F'],
    ],
  }
}

/** Quotes a word as programs of Windows take their arguments apart: https://learn.microsoft.com/cpp/c-language/parsing-c-command-line-arguments */
function windowsWord(word: string): string {
  if (word !== '' && !/[\s"]/.test(word)) return word
  return `"${word.replace(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, '$1$1')}"`
}
