import type { FarScope } from '../../shared/host-words.ts'
import type { ProbeCause } from '../../shared/api/hosts.ts'
import type { Probe } from '../../shared/api/probes.ts'
import type { Connection } from '../store/open.ts'
import { readSetting, writeSetting } from '../store/settings.ts'
import {
  changeable,
  hostOfRow,
  incidentOfRow,
  probeOfRow,
  spanOfRow,
  type HostRow,
  type IncidentRow,
  type ProbeRow,
  type SpanRow,
} from './rows.ts'
import type {
  HostRecord,
  IncidentKind,
  IncidentRecord,
  KnownCertificate,
  ProbeRecord,
  ProbeVerdict,
  SpanKind,
  SpanRecord,
} from './schema.ts'

/** Statements of the hosts' room. What writes runs in a transaction of the caller's. */
export interface HostStore {
  hosts(): HostRecord[]
  host(id: number): HostRecord | null
  probes(hostId: number): ProbeRecord[]
  allProbes(): ProbeRecord[]
  insert(host: Omit<HostRecord, 'id'>): number
  change(host: HostRecord): void
  remove(id: number): void
  /** Gives a host its probes; those that stay as they are keep their series. Returns the ids of those that went. */
  setProbes(hostId: number, probes: readonly Probe[], nowMs: number): number[]
  saveVerdict(probeId: number, verdict: ProbeVerdict, sinceMs: number, cause: ProbeCause | null): void
  saveCause(probeId: number, cause: ProbeCause | null): void
  saveLatest(probeId: number, firstMs: number | null, lastMs: number | null, lastOk: boolean | null): void
  saveCertificate(probeId: number, certificate: KnownCertificate | null): void
  openIncident(hostId: number): IncidentRecord | null
  startIncident(
    hostId: number,
    incident: {
      kind: IncidentKind
      cause: string
      behind: string | null
      openedMs: number
      flightId: number | null
    },
  ): void
  changeIncident(id: number, cause: string, behind: string | null): void
  endIncident(id: number, atMs: number): void
  incidents(hostId: number): IncidentRecord[]
  /** Returns the incidents that last, of all hosts. */
  openIncidents(): IncidentRecord[]
  /** Returns what touches the time since a moment, of some hosts or of all. */
  incidentsSince(sinceMs: number, hostIds: readonly number[] | null): IncidentRecord[]
  spansSince(sinceMs: number, hostIds: readonly number[] | null): (SpanRecord & { readonly hostId: number })[]
  openSpan(hostId: number, kind: SpanKind): SpanRecord | null
  openSpans(kind: SpanKind): { readonly hostId: number; readonly fromMs: number }[]
  startSpan(hostId: number, kind: SpanKind, fromMs: number, flightId: number | null): void
  endSpan(hostId: number, kind: SpanKind, atMs: number): void
  /** Notes since when this machine has no connection to that distance. */
  beginOutage(scope: FarScope, fromMs: number, flightId: number | null): void
  endOutage(atMs: number): void
  spans(hostId: number): SpanRecord[]
  /** Moves what began in a flight and lasts, since that flight's clock was set. */
  shift(flightId: number, stepMs: number): void
  setting(name: string): string | null
  saveSetting(name: string, value: string): void
}

/** Returns the statements of a database. */
export function createHostStore(db: Connection): HostStore {
  const probeRows = db.prepare('SELECT * FROM host_probe WHERE host_id = ? ORDER BY position')
  const probesOf = (hostId: number): ProbeRecord[] => (probeRows.all(hostId) as ProbeRow[]).map(probeOfRow)
  const saveLatest = db.prepare('UPDATE host_probe SET first_ms = ?, last_ms = ?, last_ok = ? WHERE id = ?')
  const open = db.prepare('SELECT * FROM host_incident WHERE host_id = ? AND closed_ms IS NULL')
  const openSpan = db.prepare('SELECT * FROM host_span WHERE host_id = ? AND kind = ? AND to_ms IS NULL')

  return {
    hosts: () => (db.prepare('SELECT * FROM host ORDER BY id').all() as HostRow[]).map(hostOfRow),
    host(id) {
      const row = db.prepare('SELECT * FROM host WHERE id = ?').get(id) as HostRow | undefined
      return row ? hostOfRow(row) : null
    },
    probes: probesOf,
    allProbes: () =>
      (db.prepare('SELECT * FROM host_probe ORDER BY host_id, position').all() as ProbeRow[]).map(probeOfRow),
    insert(host) {
      const { lastInsertRowid } = db
        .prepare(
          `INSERT INTO host (domain, name, description, group_name, tags, parent_id, interval_ms, retry_ms, failures,
           successes, emails, channels, remind_ms, paused, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(...changeable(host), host.createdMs)
      return Number(lastInsertRowid)
    },
    change(host) {
      db.prepare(
        `UPDATE host SET domain = ?, name = ?, description = ?, group_name = ?, tags = ?, parent_id = ?, interval_ms = ?,
         retry_ms = ?, failures = ?, successes = ?, emails = ?, channels = ?, remind_ms = ?, paused = ? WHERE id = ?`,
      ).run(...changeable(host), host.id)
    },
    remove(id) {
      db.prepare('DELETE FROM host WHERE id = ?').run(id)
    },
    setProbes(hostId, probes, nowMs) {
      const before = probesOf(hostId)
      const kept = new Set<number>()
      probes.forEach((settings, position) => {
        const text = JSON.stringify(settings)
        const free = before.filter(({ id }) => !kept.has(id))
        const same =
          free.find((known) => JSON.stringify(known.settings) === text) ??
          free.find(({ settings: known }) => placeOf(known) === placeOf(settings))
        if (same) {
          kept.add(same.id)
          db.prepare('UPDATE host_probe SET position = ?, settings = ? WHERE id = ?').run(
            position,
            text,
            same.id,
          )
        } else
          db.prepare(
            `INSERT INTO host_probe (host_id, position, settings, verdict, verdict_ms) VALUES (?, ?, ?, 'new', ?)`,
          ).run(hostId, position, text, Math.round(nowMs))
      })
      const gone = before.filter(({ id }) => !kept.has(id)).map(({ id }) => id)
      for (const id of gone) db.prepare('DELETE FROM host_probe WHERE id = ?').run(id)
      return gone
    },
    saveVerdict(probeId, verdict, sinceMs, cause) {
      db.prepare('UPDATE host_probe SET verdict = ?, verdict_ms = ?, cause = ? WHERE id = ?').run(
        verdict,
        Math.round(sinceMs),
        cause === null ? null : JSON.stringify(cause),
        probeId,
      )
    },
    saveCause(probeId, cause) {
      db.prepare('UPDATE host_probe SET cause = ? WHERE id = ?').run(
        cause === null ? null : JSON.stringify(cause),
        probeId,
      )
    },
    saveLatest(probeId, firstMs, lastMs, lastOk) {
      saveLatest.run(firstMs, lastMs, lastOk === null ? null : lastOk ? 1 : 0, probeId)
    },
    saveCertificate(probeId, certificate) {
      db.prepare('UPDATE host_probe SET certificate = ? WHERE id = ?').run(
        certificate === null ? null : JSON.stringify(certificate),
        probeId,
      )
    },
    openIncident(hostId) {
      const row = open.get(hostId) as IncidentRow | undefined
      return row ? incidentOfRow(row) : null
    },
    startIncident(hostId, { kind, cause, behind, openedMs, flightId }) {
      db.prepare(
        'INSERT INTO host_incident (host_id, kind, cause, behind, opened_ms, flight_id) VALUES (?, ?, ?, ?, ?, ?)',
      ).run(hostId, kind, cause, behind, Math.round(openedMs), flightId)
    },
    changeIncident(id, cause, behind) {
      db.prepare('UPDATE host_incident SET cause = ?, behind = ? WHERE id = ?').run(cause, behind, id)
    },
    endIncident(id, atMs) {
      db.prepare('UPDATE host_incident SET closed_ms = max(opened_ms, ?) WHERE id = ?').run(
        Math.round(atMs),
        id,
      )
    },
    incidents: (hostId) =>
      (
        db
          .prepare('SELECT * FROM host_incident WHERE host_id = ? ORDER BY id DESC')
          .all(hostId) as IncidentRow[]
      ).map(incidentOfRow),
    openIncidents: () =>
      (db.prepare('SELECT * FROM host_incident WHERE closed_ms IS NULL').all() as IncidentRow[]).map(
        incidentOfRow,
      ),
    incidentsSince: (sinceMs, hostIds) =>
      (
        db
          .prepare(
            `SELECT * FROM host_incident WHERE (closed_ms IS NULL OR closed_ms > ?) ${among(hostIds)} ORDER BY opened_ms`,
          )
          .all(sinceMs) as IncidentRow[]
      ).map(incidentOfRow),
    spansSince: (sinceMs, hostIds) =>
      (
        db
          .prepare(
            `SELECT * FROM host_span WHERE (to_ms IS NULL OR to_ms > ?) ${among(hostIds)} ORDER BY from_ms`,
          )
          .all(sinceMs) as SpanRow[]
      ).map((row) => ({ ...spanOfRow(row), hostId: row.host_id })),
    openSpan(hostId, kind) {
      const row = openSpan.get(hostId, kind) as SpanRow | undefined
      return row ? spanOfRow(row) : null
    },
    openSpans: (kind) =>
      (db.prepare('SELECT * FROM host_span WHERE kind = ? AND to_ms IS NULL').all(kind) as SpanRow[]).map(
        (row) => ({
          hostId: row.host_id,
          fromMs: row.from_ms,
        }),
      ),
    startSpan(hostId, kind, fromMs, flightId) {
      if (openSpan.get(hostId, kind) !== undefined) return
      db.prepare('INSERT INTO host_span (host_id, kind, from_ms, flight_id) VALUES (?, ?, ?, ?)').run(
        hostId,
        kind,
        Math.round(fromMs),
        flightId,
      )
    },
    endSpan(hostId, kind, atMs) {
      db.prepare(
        'UPDATE host_span SET to_ms = max(from_ms, ?) WHERE host_id = ? AND kind = ? AND to_ms IS NULL',
      ).run(Math.round(atMs), hostId, kind)
    },
    beginOutage(scope, fromMs, flightId) {
      db.prepare('INSERT INTO outage (scope, from_ms, flight_id) VALUES (?, ?, ?)').run(
        scope,
        Math.round(fromMs),
        flightId,
      )
    },
    endOutage(atMs) {
      db.prepare('UPDATE outage SET to_ms = max(from_ms, ?) WHERE to_ms IS NULL').run(Math.round(atMs))
      db.prepare('DELETE FROM outage WHERE to_ms < ?').run(Math.round(atMs - outagesKeptMs))
    },
    spans: (hostId) =>
      (db.prepare('SELECT * FROM host_span WHERE host_id = ? ORDER BY from_ms').all(hostId) as SpanRow[]).map(
        spanOfRow,
      ),
    shift(flightId, stepMs) {
      for (const [table, column, end] of [
        ['host_incident', 'opened_ms', 'closed_ms'],
        ['host_span', 'from_ms', 'to_ms'],
        ['outage', 'from_ms', 'to_ms'],
      ])
        db.prepare(
          `UPDATE ${table} SET ${column} = ${column} + @step, ${end} = ${end} + @step WHERE flight_id = @flight`,
        ).run({ step: Math.round(stepMs), flight: flightId })
    },
    setting: (name) => readSetting(db, name),
    saveSetting: (name, value) => writeSetting(db, name, value),
  }
}

/** As long as the incidents beside which they are drawn (ms). */
const outagesKeptMs = 2 * 365 * 86_400_000

/** Ids are whole numbers of our own, so they may stand in the statement. */
function among(hostIds: readonly number[] | null): string {
  return hostIds === null ? '' : `AND host_id IN (${hostIds.map((id) => Math.trunc(id)).join()})`
}

/** What of a probe says what it measures; the rest may change without a new series. */
function placeOf(probe: Probe): string {
  switch (probe.kind) {
    case 'icmp':
      return 'icmp'
    case 'tcp':
      return `tcp ${probe.port}`
    case 'http':
      return `http ${probe.url ?? ''}`
    case 'dns':
      return `dns ${probe.record} ${probe.name ?? ''} ${probe.server ?? ''}`
    default:
      return probe satisfies never
  }
}
