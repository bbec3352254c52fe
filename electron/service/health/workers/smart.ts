/** What smartctl says of a drive. Pure. */

export interface Smart {
  readonly state: 'passed' | 'failing' | null
  /** How much of its life is used up (per cent). */
  readonly wornPercent: number | null
  readonly celsius: number | null
  readonly hours: number | null
  readonly reallocated: number | null
  readonly pending: number | null
  readonly mediaErrors: number | null
}

/** Attributes of ATA drives: https://www.smartmontools.org/browser/trunk/smartmontools/drivedb.h */
const reallocatedId = 5
const pendingId = 197
/** Attributes in which makers count down from 100 what is left of a drive's life; the same numbers mean other things elsewhere. */
const leftIds = [231, 233, 177, 173, 169, 202]
const leftNames = /wear|(?:^|_)life(?:_|$)|lifetime/i
/** What such names also count: how unevenly a drive is worn, and what was written in its life. */
const otherNames = /delta|writ/i

export const asleepWords = 'it sleeps, and is let sleep'

/** Reads `smartctl --json -a`; returns why there is nothing to read as a sentence. */
export function smartOf(text: string): Smart | string {
  let report: unknown
  try {
    report = JSON.parse(text)
  } catch {
    return 'smartctl says nothing that can be read'
  }
  const status = at(report, 'smart_status', 'passed')
  const nvme = at(report, 'nvme_smart_health_information_log')
  const attributes = attributesOf(report)
  const celsius = number(report, 'temperature', 'current')
  if (typeof status !== 'boolean' && nvme === undefined && attributes.size === 0 && celsius === null)
    return whyNot(report)
  const rotates = (number(report, 'rotation_rate') ?? 0) > 0
  const left = leftIds
    .flatMap((id) => attributes.get(id) ?? [])
    .find(
      ({ name, value }) => leftNames.test(name) && !otherNames.test(name) && value <= 100 && !rotates,
    )?.value
  return {
    state: typeof status === 'boolean' ? (status ? 'passed' : 'failing') : null,
    wornPercent: number(nvme, 'percentage_used') ?? (left === undefined ? null : Math.max(0, 100 - left)),
    celsius,
    hours: number(report, 'power_on_time', 'hours'),
    reallocated: attributes.get(reallocatedId)?.raw ?? null,
    pending: attributes.get(pendingId)?.raw ?? null,
    mediaErrors: number(nvme, 'media_errors'),
  }
}

function attributesOf(
  report: unknown,
): ReadonlyMap<number, { readonly name: string; readonly value: number; readonly raw: number }> {
  const table = at(report, 'ata_smart_attributes', 'table')
  const found = new Map<number, { name: string; value: number; raw: number }>()
  for (const row of Array.isArray(table) ? (table as unknown[]) : []) {
    const id = number(row, 'id')
    const value = number(row, 'value')
    const raw = number(row, 'raw', 'value')
    const name = at(row, 'name')
    if (id !== null && value !== null && raw !== null)
      found.set(id, { name: typeof name === 'string' ? name : '', value, raw })
  }
  return found
}

function whyNot(report: unknown): string {
  const messages = at(report, 'smartctl', 'messages')
  const texts = (Array.isArray(messages) ? (messages as unknown[]) : []).flatMap((one) => {
    const text = at(one, 'string')
    return typeof text === 'string' ? [text] : []
  })
  const said = texts.join('; ')
  if (/Permission denied|Operation not permitted/i.test(said)) return 'smartctl needs root to ask it'
  if (/STANDBY|SLEEP/i.test(said)) return asleepWords
  return said === '' ? 'it tells nothing of its health' : said.slice(0, 200)
}

function at(value: unknown, ...keys: readonly string[]): unknown {
  let found = value
  for (const key of keys) {
    if (typeof found !== 'object' || found === null) return undefined
    found = (found as Record<string, unknown>)[key]
  }
  return found
}

function number(value: unknown, ...keys: readonly string[]): number | null {
  const found = at(value, ...keys)
  return typeof found === 'number' && Number.isFinite(found) ? found : null
}
