import type { StoredRecord } from '../schema.ts'

/** A record as telemetrics' collector and REST API show it. Pure. */

/** Returns `YYYY-MM-DD HH:MM:SS UTC`, the fraction cut off. */
export function seedTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

/** Returns the record's keys in the order of the wire. The seed calls the version `record_format_version`, its code `record_version`. */
export function seedRecord(record: StoredRecord): Readonly<Record<string, string | number | boolean>> {
  return {
    arch: record.arch,
    bios_version: record.bios,
    board_name: record.board,
    build: record.build,
    classification: record.classification,
    cpu_model: record.cpu,
    event_id: record.event,
    external: record.external,
    id: record.id,
    kernel_version: record.kernel,
    machine_id: record.machine,
    machine_type: record.hostType,
    payload: record.payload,
    record_format_version: record.recordVersion,
    record_version: record.recordVersion,
    severity: record.severity,
    ts_capture: seedTime(record.clientS * 1_000),
    ts_reception: seedTime(record.serverMs),
  }
}

/** Returns JSON as Flask writes it: compact, everything beyond ASCII escaped. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u0080-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
