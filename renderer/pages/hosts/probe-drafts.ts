import type { Probe } from '../../../electron/shared/api/probes.ts'
import { probeKinds, probeKindWords, type ProbeKind } from '../../../electron/shared/host-words.ts'

/** A probe while it is being typed: every field a text, empty where it is left out. */
export interface ProbeDraft {
  kind: ProbeKind
  family: 'any' | '4' | '6'
  packets: number
  port: string
  url: string
  status: string
  keyword: string
  keywordAbsent: boolean
  jsonPath: string
  jsonValue: string
  verifyCertificate: boolean
  record: Extract<Probe, { kind: 'dns' }>['record']
  server: string
  expect: string
  degradedMs: string
  degradedLoss: string
  timeoutMs: string
  /** What the form has no field for stays as it is. */
  rest: Partial<Probe>
}

export const kindItems = probeKinds.map((value) => ({ value, label: probeKindWords[value] }))
export const recordItems = ['A', 'AAAA', 'CNAME', 'MX', 'NS', 'TXT', 'SRV', 'CAA', 'SOA', 'PTR'] as const

/** Returns a draft of a new probe. */
export function emptyDraft(kind: ProbeKind): ProbeDraft {
  return {
    kind,
    family: 'any',
    packets: 1,
    port: kind === 'tcp' ? '443' : '',
    url: '',
    status: '',
    keyword: '',
    keywordAbsent: false,
    jsonPath: '',
    jsonValue: '',
    verifyCertificate: true,
    record: 'A',
    server: '',
    expect: '',
    degradedMs: '',
    degradedLoss: '',
    timeoutMs: '',
    rest: {},
  }
}

const text = (value: number | null | undefined): string => (value == null ? '' : String(value))

/** Returns a draft of a probe that is there. */
export function draftOf(probe: Probe): ProbeDraft {
  const draft: ProbeDraft = {
    ...emptyDraft(probe.kind),
    degradedMs: text(probe.degradedMs),
    timeoutMs: text(probe.timeoutMs),
    rest: probe,
  }
  switch (probe.kind) {
    case 'icmp':
      return {
        ...draft,
        family: probe.family ?? 'any',
        packets: probe.packets ?? 1,
        degradedLoss: text(probe.degradedLoss),
      }
    case 'tcp':
      return { ...draft, family: probe.family ?? 'any', port: String(probe.port) }
    case 'http':
      return {
        ...draft,
        family: probe.family ?? 'any',
        url: probe.url ?? '',
        status: probe.status ?? '',
        keyword: probe.keyword ?? '',
        keywordAbsent: probe.keywordAbsent ?? false,
        jsonPath: probe.jsonPath ?? '',
        jsonValue: probe.jsonValue ?? '',
        verifyCertificate: probe.verifyCertificate ?? true,
      }
    case 'dns':
      return { ...draft, record: probe.record, server: probe.server ?? '', expect: probe.expect ?? '' }
    default:
      return probe satisfies never
  }
}

/** Returns the probe that a draft means; the service says what is wrong with it. */
export function probeOf(draft: ProbeDraft): Probe {
  const given = (name: string, value: string): Record<string, string> =>
    value.trim() === '' ? {} : { [name]: value.trim() }
  const number = (name: string, value: string): Record<string, number> =>
    value.trim() === '' ? {} : { [name]: Number(value) }
  const common = {
    ...number('timeoutMs', draft.timeoutMs),
    ...number('degradedMs', draft.degradedMs),
  }
  const family = draft.family === 'any' ? {} : { family: draft.family }
  switch (draft.kind) {
    case 'icmp':
      return {
        ...keep(draft, ['bytes']),
        kind: 'icmp',
        ...family,
        ...(draft.packets > 1 && { packets: draft.packets }),
        ...number('degradedLoss', draft.degradedLoss),
        ...common,
      }
    case 'tcp':
      return { kind: 'tcp', port: Number(draft.port), ...family, ...common }
    case 'http':
      return {
        ...keep(draft, ['method', 'headers', 'body', 'redirects', 'certificateDays']),
        kind: 'http',
        ...given('url', draft.url),
        ...given('status', draft.status),
        ...given('keyword', draft.keyword),
        ...(draft.keywordAbsent && draft.keyword.trim() !== '' && { keywordAbsent: true }),
        ...given('jsonPath', draft.jsonPath),
        ...given('jsonValue', draft.jsonValue),
        ...(!draft.verifyCertificate && { verifyCertificate: false }),
        ...family,
        ...common,
      }
    case 'dns':
      return {
        ...keep(draft, ['name']),
        kind: 'dns',
        record: draft.record,
        ...given('server', draft.server),
        ...given('expect', draft.expect),
        ...common,
      }
    default:
      return draft.kind satisfies never
  }
}

function keep({ kind, rest }: ProbeDraft, names: readonly string[]): Record<string, unknown> {
  if (rest.kind !== kind) return {}
  return Object.fromEntries(Object.entries(rest).filter(([name]) => names.includes(name)))
}
