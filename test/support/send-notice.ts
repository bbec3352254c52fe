// Shows one desktop notice as the service does, and prints what came of it.
import { systemNotifier, type DesktopNotice } from '../../electron/service/alerts/channels/desktop.ts'
import { systemClock } from '../../electron/service/clock.ts'

const notice = JSON.parse(process.argv[2] ?? '{}') as DesktopNotice
console.log(JSON.stringify(await systemNotifier(systemClock()).show(notice)))
