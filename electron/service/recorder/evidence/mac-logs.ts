import type { StopEvidence, StopFact } from '../gap-rules.ts'

/** Intel Macs' codes: https://eclecticlight.co/2017/02/28/mac-shutdown-and-sleep-cause-codes/ */
const causeCodes: Readonly<Record<number, { fact: StopFact; words: string }>> = {
  5: { fact: 'clean-stop', words: 'shut down in order' },
  3: { fact: 'power-button', words: 'power button held' },
  0: { fact: 'unclean-boot', words: 'power lost' },
  [-3]: { fact: 'heat', words: 'several temperature sensors over their limit' },
  [-60]: { fact: 'disk', words: 'bad master directory block' },
}

/**
 * Returns what the unified log says of stops, from
 * `log show --style syslog --predicate 'eventMessage CONTAINS "shutdown cause" OR eventMessage CONTAINS "shutdown initiated"'`.
 */
export function evidenceFromUnifiedLog(text: string): StopEvidence[] {
  return text.split('\n').flatMap((line): StopEvidence[] => {
    const atMs = parseLogTime(line)
    if (atMs === null) return []
    const words = line.trim().slice(0, 500)
    const code = /Previous shutdown cause: (-?\d+)/.exec(line)?.[1]
    if (code !== undefined) {
      const known = causeCodes[Number(code)]
      return known
        ? [{ source: 'unified log', atMs, fact: known.fact, text: `${words} (${known.words})` }]
        : []
    }
    if (/softwareupdate\S*.*(?:restart|reboot|install)/i.test(line))
      return [{ source: 'unified log', atMs, fact: 'update', text: words }]
    if (/SHUTDOWN_TIME/.test(line)) return [{ source: 'unified log', atMs, fact: 'clean-stop', text: words }]
    if (/shutdown initiated/i.test(line))
      return [{ source: 'unified log', atMs, fact: 'user-stop', text: words }]
    return []
  })
}

/** Returns what `pmset -g log` says of stops: low battery and thermal emergencies. */
export function evidenceFromPmset(text: string): StopEvidence[] {
  return text.split('\n').flatMap((line): StopEvidence[] => {
    const atMs = parseLogTime(line)
    if (atMs === null) return []
    const words = line.trim().replace(/\s+/g, ' ').slice(0, 500)
    if (/Low ?Power Sleep|LowBattery|Emergency.*Battery/i.test(line))
      return [{ source: 'pmset', atMs, fact: 'battery', text: words }]
    if (/Thermal Emergency|ThermalEmergency/i.test(line))
      return [{ source: 'pmset', atMs, fact: 'heat', text: words }]
    return []
  })
}

/** `2026-11-21 03:12:07.123456+0100` or `2026-11-21 03:12:07 +0100` at the start of a line. */
function parseLogTime(line: string): number | null {
  const match = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})(?:\.\d+)? ?([+-]\d{2})(\d{2})/.exec(line.trim())
  if (!match) return null
  const ms = Date.parse(`${match[1]}T${match[2]}${match[3]}:${match[4]}`)
  return Number.isFinite(ms) ? ms : null
}
