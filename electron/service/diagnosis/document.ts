import { wordDuration } from '../../shared/time-text.ts'
import type { Masker } from './mask.ts'

/** A page of words and tables, as text and as HTML. Pure. */

export interface Section {
  readonly title: string
  readonly lines?: readonly string[]
  readonly table?: { readonly columns: readonly string[]; readonly rows: readonly (readonly string[])[] }
}

export interface Document {
  readonly title: string
  /** The most important sentence. */
  readonly lead: string
  /** When and by what it was made. */
  readonly foot: string
  readonly sections: readonly Section[]
}

/** Returns a document in which every text went through a masker. */
export function masked(document: Document, { mask }: Masker): Document {
  return {
    title: document.title,
    lead: mask(document.lead),
    foot: document.foot,
    sections: document.sections.map(({ title, lines, table }) => ({
      title,
      ...(lines && { lines: lines.map(mask) }),
      ...(table && {
        table: { columns: table.columns, rows: table.rows.map((row) => row.map(mask)) },
      }),
    })),
  }
}

/** Longer cells would make a table that nobody can read. */
const mostCell = 60

/** Returns a document as text. */
export function documentText({ title, lead, foot, sections }: Document): string {
  const parts = sections.map((section) => {
    const lines = [...(section.lines ?? []), ...(section.table ? tableText(section.table) : [])]
    return `${section.title}\n${'-'.repeat([...section.title].length)}\n${lines.join('\n')}\n`
  })
  return `${title}\n${'='.repeat([...title].length)}\n\n${lead}\n\n${parts.join('\n')}\n${foot}\n`
}

function tableText({ columns, rows }: NonNullable<Section['table']>): string[] {
  const all = [columns, ...rows].map((row) => row.map((cell) => shortened(oneLine(cell))))
  const widths = columns.map((_, index) => Math.max(...all.map((row) => [...(row[index] ?? '')].length)))
  return all.map((row) =>
    row
      .map((cell, index) => cell + ' '.repeat(Math.max(0, (widths[index] ?? 0) - [...cell].length)))
      .join('  ')
      .trimEnd(),
  )
}

function shortened(text: string): string {
  const letters = [...text]
  return letters.length <= mostCell ? text : `${letters.slice(0, mostCell - 1).join('')}…`
}

function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\s]+/gu, ' ').trim()
}

/** Returns a document as one HTML file that needs nothing else. */
export function documentHtml({ title, lead, foot, sections }: Document): string {
  const parts = sections.map(
    ({ title: head, lines = [], table }) =>
      `<section><h2>${html(head)}</h2>${lines.map((line) => `<p>${html(line)}</p>`).join('')}${table ? tableHtml(table) : ''}</section>`,
  )
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark"><title>${html(title)}</title><style>${style}</style></head>
<body><h1>${html(title)}</h1><p class="lead">${html(lead)}</p>${parts.join('\n')}<footer>${html(foot)}</footer></body></html>
`
}

const style = `:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin:1.5rem 0 .4rem;border-bottom:1px solid #8886}p{margin:.2rem 0}.lead{font-size:1.1rem}
.wide{overflow-x:auto}table{border-collapse:collapse}th,td{text-align:start;padding:.15rem .9rem .15rem 0;vertical-align:top;overflow-wrap:anywhere}
th{font-weight:600;border-bottom:1px solid #8886}footer{margin-top:2rem;font-size:.85rem;opacity:.75}@media print{body{margin:0}}`

function tableHtml({ columns, rows }: NonNullable<Section['table']>): string {
  const head = columns.map((column) => `<th scope="col">${html(column)}</th>`).join('')
  const body = rows.map((row) => `<tr>${row.map((cell) => `<td>${html(cell)}</td>`).join('')}</tr>`).join('')
  return `<div class="wide"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`
}

function html(text: string): string {
  return oneLine(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

/** Returns a time of a document: to the second, with its zone. */
export function timeWords(iso: string): string {
  return `${iso.slice(0, 19).replace('T', ' ')} UTC`
}

/** Returns how long ago a time is. */
export function ago(iso: string, nowMs: number): string {
  return `${wordDuration(Math.max(0, Math.floor((nowMs - Date.parse(iso)) / 60_000) * 60_000))} ago`
}
