/** Text forms of Night's Watch, whose users' scripts read them. Pure. */

/** Returns a time as Python's `str(datetime)`: `2026-11-21 10:16:42.207000`, the fraction left out when it is zero. */
export function microTime(ms: number): string {
  return microIso(ms).replace('T', ' ')
}

/** Returns a time as Python's `isoformat()`: UTC, without a zone. */
export function microIso(ms: number): string {
  const iso = new Date(Math.round(ms)).toISOString()
  const fraction = iso.slice(20, 23)
  return fraction === '000' ? iso.slice(0, 19) : `${iso.slice(0, 19)}.${fraction}000`
}

/** Returns a value as Python's `json.dumps(indent=4)` with a final newline: non-ASCII escaped, a space after colons. */
export function pythonJson(value: unknown): string {
  const text = JSON.stringify(value, null, 4)
  // Python writes empty lists and objects on one line, as JSON.stringify does.
  return `${text.replace(/[\u0080-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`
}

/** Returns an exception as Python's `repr()` shows it. */
export function pythonError(kind: string, message: string): string {
  const quote = message.includes("'") && !message.includes('"') ? '"' : "'"
  const escaped = message
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
  const quoted = quote === "'" ? escaped.replaceAll("'", "\\'") : escaped
  return `${kind}(${quote}${quoted}${quote})`
}
