import { readFileSync } from 'node:fs'
import os from 'node:os'
import { DiagnosisQuery, type HealthChange } from '../../shared/api/health.ts'
import type { Overview } from '../../shared/api/overview.ts'
import type { ServiceInfo } from '../../shared/api/service.ts'
import { Type } from 'typebox'
import { dayMs, isoTime, isoTimeOrNull } from '../../shared/time-text.ts'
import { frameLabel } from '../../shared/telemetry-words.ts'
import { readIncidents } from '../alerts/store.ts'
import type { App, RoomContext } from '../context.ts'
import type { Health } from '../health/index.ts'
import { rowsIn } from '../health/report.ts'
import { summaryView } from '../health/view.ts'
import type { Recorder } from '../recorder/index.ts'
import type { Telemetry } from '../telemetry/index.ts'
import { hostsIn, searchDomains } from './hosts-in.ts'
import { documentHtml, documentText, masked, timeWords, type Document } from './document.ts'
import { createMasker, type MaskKind } from './mask.ts'
import { sectionsOf, type Facts } from './sections.ts'

/** “What is wrong with this machine?”, from all rooms on one page. */

export interface DiagnosisParts {
  readonly context: RoomContext
  readonly recorder: Recorder
  readonly telemetry: Telemetry
  readonly health: Health
  overview(): Overview
  service(): ServiceInfo
}

const mostGaps = 20
const mostIncidents = 100
const mostCrashes = 10

/** Adds the route of the diagnosis. */
export function diagnosisRoutes(app: App, parts: DiagnosisParts): void {
  app.get(
    '/api/v1/health/diagnosis',
    {
      schema: {
        tags: ['health'],
        summary: 'What is wrong with this machine, from all rooms, on one page',
        description: 'Names, addresses and users are masked unless `masked=false`.',
        querystring: DiagnosisQuery,
        response: { 200: Type.String() },
      },
    },
    async ({ query: { format, masked: isMasked } }, reply) => {
      const document = await diagnosisOf(parts, isMasked ?? true)
      reply.type(`${format === 'text' ? 'text/plain' : 'text/html'}; charset=utf-8`)
      return format === 'text' ? documentText(document) : documentHtml(document)
    },
  )
}

async function diagnosisOf(parts: DiagnosisParts, isMasked: boolean): Promise<Document> {
  const facts = await collect(parts)
  const { overview, service } = facts
  const document: Document = {
    title: 'What is wrong with this machine?',
    lead: `${overview.sentence}.`,
    foot: `Made by Watchkeeper ${service.version} at ${timeWords(overview.at)}. ${
      isMasked
        ? 'Names, addresses and users are masked; the same one has the same word everywhere. Names inside the words of programs may have been missed: read it before you give it away.'
        : 'Nothing is masked: names, addresses and users are in it.'
    }`,
    sections: sectionsOf(facts),
  }
  return isMasked ? masked(document, createMasker(namesOf(parts, facts))) : document
}

async function collect({
  context,
  recorder,
  telemetry,
  health,
  overview,
  service,
}: DiagnosisParts): Promise<Facts> {
  const { clock, db, reader } = context
  const nowMs = Math.round(clock.glance().wallMs)
  const now = recorder.present()
  const window = { now, sinceMs: nowMs - 30 * dayMs, untilMs: nowMs, lastMs: null }
  const [history, gaps, changes, crashes] = await Promise.all([
    reader.ask('machineHistory', window),
    reader.ask('machineGaps', { ...window, limit: mostGaps, offset: 0 }),
    changesOf(context, health, nowMs),
    crashesOf(telemetry, nowMs),
  ])
  const summary = summaryView(health)
  return {
    overview: overview(),
    system: rowsIn(health.report, 'Hardware_system')[0] ?? {},
    metrics: summary.metrics,
    workers: summary.workers,
    processes: summary.processes,
    changes,
    history,
    gaps: gaps.gaps.filter(({ kind }) => kind !== 'asleep'),
    incidents: readIncidents(db, {
      onlyOpen: false,
      room: null,
      sinceMs: nowMs - 7 * dayMs,
      untilMs: nowMs,
      limit: mostIncidents,
    }).map(({ room, name, text, openedMs, closedMs }) => ({
      room,
      name,
      text,
      opened: isoTime(openedMs),
      closed: isoTimeOrNull(closedMs),
    })),
    crashes,
    service: service(),
  }
}

/** Returns what changed in the last week, or since the oldest report that is kept of it. */
async function changesOf(
  { reader, db }: RoomContext,
  { report, workers }: Health,
  nowMs: number,
): Promise<{ since: string; all: readonly HealthChange[] } | null> {
  const first = db
    .prepare('SELECT id FROM health_report WHERE at_ms >= ? ORDER BY id LIMIT 1')
    .pluck()
    .get(nowMs - 7 * dayMs)
  if (typeof first !== 'number' || report === null) return null
  const packages = await workers.packages.read().catch(() => null)
  const to = { report, packages: packages === null ? null : Object.fromEntries(packages.versions) }
  const found = await reader.ask('healthChanges', { from: first, to })
  return found && { since: isoTime(found.fromMs), all: found.changes }
}

async function crashesOf({ trouble, views }: Telemetry, nowMs: number): Promise<Facts['crashes']> {
  if (trouble !== null) return []
  const top = await views
    .ask('topCrashes', {
      sinceMs: Math.floor((nowMs - 7 * dayMs) / 60_000) * 60_000,
      build: undefined,
      withHidden: false,
      most: mostCrashes,
      ownMachines: [],
    })
    // A store that is away is told of among the problems.
    .catch(() => null)
  return (top?.crashes ?? []).map(({ guilty, crashes }) => ({
    frame: frameLabel(guilty),
    crashes,
    last: isoTime(guilty.last_ms),
  }))
}

/** Returns the names that are to be hidden wherever they stand. */
function namesOf(
  { context: { db } }: DiagnosisParts,
  { processes, system }: Facts,
): ReadonlyMap<string, MaskKind> {
  const names = new Map<string, MaskKind>()
  const add = (name: unknown, kind: MaskKind): void => {
    if (typeof name !== 'string' || name.trim() === '') return
    names.set(name, kind)
    // The device mapper doubles hyphens.
    if (kind === 'host' && name.includes('-')) names.set(name.replaceAll('-', '--'), kind)
  }
  add(os.hostname(), 'host')
  add(os.hostname().split('.')[0], 'host')
  add(system['domainname'], 'host')
  add(userName(), 'user')
  for (const { user } of processes) add(user, 'user')
  for (const user of peopleOf(readText('/etc/passwd'))) add(user, 'user')
  for (const row of db.prepare('SELECT domain, name FROM host').all() as { domain: string; name: string }[]) {
    add(row.domain, 'host')
    add(row.name, 'host')
  }
  for (const settings of db
    .prepare('SELECT settings FROM host_probe UNION ALL SELECT settings FROM channel')
    .pluck()
    .all())
    for (const name of hostsIn(parsed(settings))) add(name, 'host')
  for (const name of hostsIn(Object.values(process.env).filter((value) => value?.includes('://'))))
    add(name, 'host')
  for (const name of searchDomains(readText('/etc/resolv.conf'))) add(name, 'host')
  for (const row of db.prepare('SELECT name, slug FROM watcher').all() as { name: string; slug: string }[]) {
    add(row.name, 'name')
    add(row.slug, 'name')
  }
  for (const name of db
    .prepare('SELECT DISTINCT name FROM incident WHERE room IN (?, ?)')
    .pluck()
    .all('hosts', 'watchers'))
    add(name, 'name')
  return names
}

function parsed(text: unknown): unknown {
  try {
    return typeof text === 'string' ? JSON.parse(text) : null
  } catch {
    return null
  }
}

/** Returns the users of this machine that are people: login.defs(5), UID_MIN. */
function peopleOf(passwd: string): string[] {
  return passwd.split('\n').flatMap((line) => {
    const [name = '', , uid] = line.split(':')
    return Number(uid) >= 1_000 && Number(uid) < 60_000 ? [name] : []
  })
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function userName(): string {
  try {
    return os.userInfo().username
  } catch {
    return ''
  }
}
