import { XMLParser } from 'fast-xml-parser'
import type { StopEvidence, StopFact } from '../gap-rules.ts'

/** The events of Windows' System log that tell of stops and starts, for `wevtutil qe System /q:…`. */
export const windowsEventIds = [41, 1001, 1074, 6006, 6008, 12, 27, 86, 524, 7, 51, 55] as const

interface WindowsEvent {
  readonly id: number
  readonly provider: string
  readonly atMs: number
  readonly data: Readonly<Record<string, string>>
  readonly values: readonly string[]
}

/** Processes that restart a Windows machine for an update, as event 1074 names them. */
const updaters = /TrustedInstaller|MoUsoCoreWorker|UsoClient|wuauclt|MusNotification/i

/**
 * Returns what Windows' System log says of stops, from the XML that `wevtutil qe System /f:xml` prints (events without a
 * root around them). Meaning of the events:
 * https://learn.microsoft.com/en-us/troubleshoot/windows-client/performance/event-id-41-restart
 */
export function evidenceFromWindowsEvents(xml: string): StopEvidence[] {
  return parseEvents(xml).flatMap((event) => {
    const judged = judge(event)
    return judged
      ? [{ source: 'event log', atMs: event.atMs, fact: judged.fact, text: judged.text.slice(0, 500) }]
      : []
  })
}

function judge(event: WindowsEvent): { fact: StopFact; text: string } | null {
  const { id, provider, data, values } = event
  const isPower = provider === 'Microsoft-Windows-Kernel-Power'
  switch (id) {
    case 41:
      return isPower ? judgeKernelPower(data) : null
    case 1001:
      return /WER-SystemErrorReporting|BugCheck/i.test(provider)
        ? { fact: 'panic', text: `event 1001: bugcheck ${values[0] ?? ''}` }
        : null
    case 1074: {
      const [process = '', , reason = '', , action = '', , user = ''] = values
      const text = `event 1074: ${action || 'stop'} by ${process} for ${user}: ${reason}`
      return { fact: updaters.test(process) ? 'update' : 'user-stop', text }
    }
    case 6006:
      return { fact: 'clean-stop', text: 'event 6006: the event log service was stopped' }
    case 6008:
      return {
        fact: 'unclean-boot',
        text: `event 6008: the stop at ${values.slice(0, 2).join(' ')} was unexpected`,
      }
    case 12:
      return provider === 'Microsoft-Windows-Kernel-General'
        ? { fact: 'boot', text: 'event 12: the system started' }
        : null
    case 27:
      return provider === 'Microsoft-Windows-Kernel-Boot' && Number(data['BootType'] ?? values[0]) === 1
        ? { fact: 'hybrid-off', text: 'event 27: boot type 0x1 (Fast Startup)' }
        : null
    case 86:
      return isPower ? { fact: 'heat', text: 'event 86: shut down by a critical thermal event' } : null
    case 524:
      return isPower ? { fact: 'battery', text: 'event 524: critical battery trigger met' } : null
    case 7:
    case 51:
      return /^disk$/i.test(provider) ? { fact: 'disk', text: `event ${id}: ${values.join(' ')}` } : null
    case 55:
      return /ntfs/i.test(provider) ? { fact: 'disk', text: 'event 55: the file system is damaged' } : null
    default:
      return null
  }
}

function judgeKernelPower(data: Readonly<Record<string, string>>): { fact: StopFact; text: string } {
  const bugcheck = Number(data['BugcheckCode'] ?? 0)
  const button = Number(data['PowerButtonTimestamp'] ?? 0)
  if (bugcheck !== 0)
    return { fact: 'panic', text: `event 41: bugcheck 0x${bugcheck.toString(16).toUpperCase()}` }
  if (button !== 0) return { fact: 'power-button', text: 'event 41: the power button was held' }
  return { fact: 'unclean-boot', text: 'event 41: restarted without a clean shutdown, no bugcheck' }
}

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseTagValue: false,
  isArray: (name) => name === 'Event' || name === 'Data',
})

function parseEvents(xml: string): WindowsEvent[] {
  let root: unknown
  try {
    root = parser.parse(`<Events>${xml.replace(/<\?xml[^>]*\?>/g, '')}</Events>`)
  } catch {
    return []
  }
  return listOf(at(root, 'Events', 'Event')).flatMap((event): WindowsEvent[] => {
    const id = Number(textOf(at(event, 'System', 'EventID')))
    const atMs = Date.parse(textOf(at(event, 'System', 'TimeCreated', '@SystemTime')))
    if (!Number.isInteger(id) || !Number.isFinite(atMs)) return []
    const items = listOf(at(event, 'EventData', 'Data'))
    const data: Record<string, string> = {}
    for (const item of items) {
      const name = at(item, '@Name')
      if (typeof name === 'string') data[name] = textOf(item)
    }
    const provider = textOf(at(event, 'System', 'Provider', '@Name'))
    return [{ id, provider, atMs, data, values: items.map(textOf) }]
  })
}

function at(value: unknown, ...keys: readonly string[]): unknown {
  let found: unknown = value
  for (const key of keys) {
    if (typeof found !== 'object' || found === null) return undefined
    found = (found as Record<string, unknown>)[key]
  }
  return found
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function textOf(value: unknown): string {
  const inner = typeof value === 'object' && value !== null ? at(value, '#text') : value
  return typeof inner === 'string' ? inner.trim() : ''
}
