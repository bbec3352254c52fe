/** Badges for pages elsewhere. Pure. */

/** Returns a badge as SVG. Widths are estimated at 7 px a character, which every font of the list comes near to. */
export function badgeSvg(label: string, message: string, colour: string): string {
  const shown = label.length > 60 ? `${label.slice(0, 59)}…` : label
  const [left, right] = [shown, message].map((text) => 10 + 7 * [...text].length) as [number, number]
  const text = (value: string, x: number): string => `<text x="${x}" y="14">${escapeXml(value)}</text>`
  const title = `${escapeXml(shown)}: ${message}`
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${left + right}" height="20" role="img" aria-label="${title}">` +
    `<title>${title}</title><clipPath id="r"><rect width="${left + right}" height="20" rx="3"/></clipPath>` +
    `<g clip-path="url(#r)"><rect width="${left}" height="20" fill="#555"/>` +
    `<rect x="${left}" width="${right}" height="20" fill="${colour}"/></g>` +
    `<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">` +
    `${text(shown, left / 2)}${text(message, left + right / 2)}</g></svg>`
  )
}

function escapeXml(text: string): string {
  return text
    .replace(/[\p{Cc}]+/gu, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
