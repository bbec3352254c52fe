import type Database from 'better-sqlite3'
import { openRecords } from '../../../electron/service/store/records/sqlite.ts'

/** Fills a file with records of a fleet, by statements rather than one by one. */

export const kinds = {
  machines: 200_000,
  builds: 40,
  guilties: 300,
  days: 35,
} as const

const dayMs = 86_400_000

/** Classes with their share of a thousand records. */
const classes: readonly (readonly [string, number])[] = [
  ['org.clearlinux/heartbeat/ping', 600],
  ['org.clearlinux/crash/clr', 100],
  ['org.clearlinux/swupd-client/update', 20],
  ['org.clearlinux/mce/corrected', 5],
  ['org.clearlinux/mce/thermal', 5],
  ['org.clearlinux/hello/world', 20],
  ...Array.from({ length: 25 }, (_, index): [string, number] => [`org.example/app${index}/event`, 10]),
]

/** Makes `count` records that came in the last 35 days before `nowMs`. */
export function fillRecords(file: string, count: number, nowMs: number): void {
  const { db } = openRecords(file, nowMs)
  db.pragma('synchronous = OFF')
  db.pragma('cache_size = -400000')
  const indexes = db
    .prepare(
      "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = 'record'",
    )
    .all() as { name: string; sql: string }[]
  for (const { name } of indexes) db.exec(`DROP INDEX ${name}`)
  const term = termMaker(db)
  const classIds = classes.map(([name]) => term('classification', name))
  const buildIds = Array.from({ length: kinds.builds }, (_, index) =>
    term('build', String(41_000 + index * 10)),
  )
  const others = {
    system: term('system', 'clear-linux-os'),
    kernel: term('kernel', '6.18.44-1'),
    host: Array.from({ length: 20 }, (_, index) => term('host', `Vendor ${index}|Box|1`)),
    platform: term('platform', JSON.stringify(['x86_64', 'b', 'cpu', 'bios'])),
  }
  const guilty = db.prepare(
    'INSERT INTO guilty (function, module, first_ms, last_ms, first_build_id, told) VALUES (?, ?, ?, ?, ?, 1)',
  )
  for (let index = 0; index < kinds.guilties; index += 1)
    guilty.run(`f${index}()`, 'libapp.so', nowMs - kinds.days * dayMs, nowMs, buildIds[index % kinds.builds])
  const chosen = classIds
    .map((id, index) => {
      const upTo = classes.slice(0, index + 1).reduce((sum, [, share]) => sum + share, 0)
      return `WHEN i * 7919 % 1000 < ${upTo} THEN ${id}`
    })
    .join(' ')
  const crash = classIds[1] ?? 0
  const update = classIds[2] ?? 0
  const mce = classIds[3] ?? 0
  const firstBuild = buildIds[0] ?? 0
  const firstHost = others.host[0] ?? 0
  const numbers = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`
  db.exec(`
    BEGIN;
    ${numbers}
    INSERT INTO record SELECT i, at, at / 1000 - 30, class, ${firstBuild} + (i * 31 % ${kinds.builds}), ${others.system}, ${others.kernel},
      ${firstHost} + (i * 17 % 20), ${others.platform}, 1 + (i * 13 % 4), i % 9 = 0, 4, 1, 300,
      printf('%032x', i * 104729 % ${kinds.machines}), printf('%032x', i), i, class = ${crash},
      CASE WHEN class = ${crash} THEN 1 + (i * 53 % ${kinds.guilties}) END, 1, NULL
    FROM (SELECT i, ${nowMs} - (${count} - i) * ${kinds.days * dayMs} / ${count} AS at, CASE ${chosen} END AS class FROM n);
    INSERT INTO payload SELECT id, CASE
      WHEN class = ${crash} THEN 'Process: /usr/bin/app' || char(10) || 'PID: 1' || char(10) || 'Signal: 11' || char(10, 10) || 'Backtrace (TID 1):' || char(10)
        || printf('#0 f%d() - [libapp.so]', guilty_id - 1) || char(10) || '#1 main() - [app]' || char(10) || '#2 __libc_start_main() - [libc.so.6]' || char(10) || '${'x'.repeat(140)}'
      WHEN class = ${update} THEN 'a' || char(10) || 'b' || char(10) || printf('current_version=%d', 41000 + id % 20) || char(10) || printf('server_version=%d', 41001 + id % 25) || char(10)
      WHEN class = ${mce} THEN printf('CPU %d BANK %d', id % 8, id % 5) || char(10) || printf('STATUS 9c0000000001%04x MCGSTATUS 0', id % 50) || char(10)
      ELSE '${'payload '.repeat(37)}' END
    FROM (SELECT id, classification_id AS class, guilty_id FROM record);
    INSERT INTO record_block SELECT id / 4096, 0, min(server_ms), max(server_ms), min(client_s), max(client_s), count(*), sum(payload_bytes) FROM record GROUP BY 1;
    COMMIT;`)
  for (const { sql } of indexes) db.exec(sql)
  db.exec(`UPDATE sqlite_sequence SET seq = ${count} WHERE name = 'record'`)
  db.pragma('wal_checkpoint(TRUNCATE)')
  db.close()
}

function termMaker(db: Database.Database): (kind: string, text: string) => number {
  const insert = db.prepare('INSERT INTO term (kind, text) VALUES (?, ?)')
  return (kind, text) => Number(insert.run(kind, text).lastInsertRowid)
}
