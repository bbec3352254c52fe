/** Texts that came from outside, for one line of a notice, a header or a terminal. Pure. */

/** Control characters would end a header or a line. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim()
}

/** Returns text without control characters, but with its line ends and tabs. */
export function severalLines(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]+/gu, ' ')
}

/** Text of a client, cut and without control characters. */
export function printable(text: string, most: number): string {
  return oneLine(text).slice(0, most)
}

/** Returns text as a cell of CSV; one that begins like a formula would be run by spreadsheets. */
export function csvCell(text: string): string {
  const safe = /^\s*[=+\-@]|^[\t\r]/.test(text) ? `'${text}` : text
  return `"${safe.replaceAll('"', '""')}"`
}
