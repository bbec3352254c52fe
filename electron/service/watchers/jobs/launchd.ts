import { XMLParser } from 'fast-xml-parser'
import type { FoundJob } from './job.ts'

/** Agents and daemons of launchd, from their property lists (launchd.plist(5)). Pure. */

const parser = new XMLParser({ preserveOrder: true, parseTagValue: false })

type Node = Readonly<Record<string, readonly Node[] | string>>

/** Returns a property list's value; binary ones, which are no XML, are null. */
export function parsePlist(text: string): unknown {
  if (!text.includes('<plist')) return null
  const top = parser.parse(text) as readonly Node[]
  const plist = top.find((node) => 'plist' in node)?.['plist']
  const [first] = Array.isArray(plist) ? (plist as readonly Node[]) : []
  return first === undefined ? null : valueOf(first)
}

function valueOf(node: Node): unknown {
  const [tag] = Object.keys(node).filter((key) => key !== ':@')
  const inner = tag === undefined ? [] : node[tag]
  const children = Array.isArray(inner) ? (inner as readonly Node[]) : []
  const text = children.map((child) => (typeof child['#text'] === 'string' ? child['#text'] : '')).join('')
  switch (tag) {
    case 'dict': {
      const entries: [string, unknown][] = []
      for (let index = 0; index + 1 < children.length; index += 2) {
        const key = children[index]?.['key']
        const value = children[index + 1]
        const name = Array.isArray(key) ? (key as readonly Node[])[0]?.['#text'] : undefined
        if (typeof name === 'string' && value) entries.push([name, valueOf(value)])
      }
      return Object.fromEntries(entries)
    }
    case 'array':
      return children.map(valueOf)
    case 'integer':
    case 'real':
      return Number(text)
    case 'true':
      return true
    case 'false':
      return false
    default:
      return text
  }
}

interface Moment {
  readonly Minute?: number
  readonly Hour?: number
  readonly Day?: number
  readonly Weekday?: number
  readonly Month?: number
}

/** Returns the job of an agent or daemon that runs at times; null for those that run always or on demand. */
export function jobOfPlist(text: string, origin: string, isUser: boolean, zone: string): FoundJob | null {
  const plist = parsePlist(text)
  if (typeof plist !== 'object' || plist === null) return null
  const { Label, StartInterval, StartCalendarInterval, Program, ProgramArguments, Disabled } =
    plist as Readonly<Record<string, unknown>>
  if (typeof Label !== 'string' || Label === '' || Disabled === true) return null
  const moments = Array.isArray(StartCalendarInterval) ? StartCalendarInterval : [StartCalendarInterval]
  const [moment] = moments as readonly (Moment | undefined)[]
  const field = (value: number | undefined): string => (value === undefined ? '*' : String(value))
  const schedule =
    typeof StartInterval === 'number' && StartInterval >= 1
      ? ({ kind: 'period', periodMs: StartInterval * 1_000 } as const)
      : typeof moment === 'object' && moments.length === 1
        ? ({
            kind: 'cron',
            expression: [moment.Minute, moment.Hour, moment.Day, moment.Month, moment.Weekday]
              .map(field)
              .join(' '),
            zone,
          } as const)
        : null
  if (schedule === null) return null
  const words = Array.isArray(ProgramArguments) ? ProgramArguments.map(String) : []
  return {
    name: Label.split('.').pop() ?? Label,
    origin,
    command: words.length > 0 ? words.join(' ') : typeof Program === 'string' ? Program : Label,
    schedule,
    slackMs: 0,
    source: { kind: 'unit', unit: Label, ...(isUser && { user: true }) },
    line: null,
  }
}
