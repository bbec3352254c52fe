/*
 * A plug-in view. Copy this folder into `plugins` beside the database; the tab appears at once.
 *
 * `view` is a generator: it asks by yielding a question and gets the rows back. There are two questions:
 *   { count: [fields], where, limit }  counts records and machines by up to four of classification, build, system, hostType, kernel, severity,
 *                                      external, machine, day (UTC)
 *   { records: number, where }         the newest records, with payload
 * `where` may have classification (* for any characters), severity, machine, build, system, external, days, payload and notPayload (regular
 * expressions). There is nothing else here: no files, no network, no clock but Date.
 *
 * It returns { text, tables: [{ title, columns, rows }], charts: [{ title, kind: 'bar' | 'line' | 'pie', labels, series: [{ name, values }] }] }.
 */
function* view() {
  const where = { classification: '*/crash/*', days: 30 }
  const byDay = (yield { count: ['day'], where }).sort((a, b) => (a.day < b.day ? -1 : 1))
  const newest = yield { records: 5, where }
  const total = byDay.reduce((sum, row) => sum + row.records, 0)
  return {
    text: `${total} crashes in the last 30 days.`,
    charts: [
      {
        title: 'Crashes by day',
        kind: 'bar',
        labels: byDay.map((row) => row.day),
        series: [{ name: 'crashes', values: byDay.map((row) => row.records) }],
      },
    ],
    tables: [
      {
        title: 'The newest',
        columns: ['Record', 'Received', 'Build', 'First line'],
        rows: newest.map((record) => [
          record.id,
          record.received,
          record.build,
          record.payload.split('\n')[0],
        ]),
      },
    ],
  }
}
