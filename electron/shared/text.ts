/** Texts that came from outside, for one line of a notice, a header or a terminal. Pure. */

/** Control characters would end a header or a line. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim()
}

/** Text of a client, cut and without control characters. */
export function printable(text: string, most: number): string {
  return oneLine(text).slice(0, most)
}
