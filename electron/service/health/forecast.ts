/** When a disk is full, if it goes on. Pure. */

/** Space that was used at a time; `atMs` counts only time that was seen. */
export interface Fill {
  readonly atMs: number
  readonly percent: number
}

/** A shorter past than this (ms) says nothing. */
export const leastPastMs = 86_400_000
const leastPoints = 12
/** Beyond this (days) a forecast is a guess. */
export const mostDays = 365
/** Points must lie so close to the line: the share of their spread that it explains. */
const leastFit = 0.7
/** In the last third it must still fill at this share of its pace at least. */
const leastRecent = 0.3

/**
 * Returns in how many days a disk is full by the line through its past (least squares); null where it does not fill, or where the
 * past does not lie on a line.
 */
export function daysUntilFull(points: readonly Fill[]): number | null {
  const first = points[0]
  const last = points[points.length - 1]
  if (!first || !last || points.length < leastPoints || last.atMs - first.atMs < leastPastMs) return null
  const count = points.length
  const x = (point: Fill): number => (point.atMs - first.atMs) / 86_400_000
  const meanX = points.reduce((sum, point) => sum + x(point), 0) / count
  const meanY = points.reduce((sum, { percent }) => sum + percent, 0) / count
  let xx = 0
  let xy = 0
  let yy = 0
  for (const point of points) {
    const dx = x(point) - meanX
    const dy = point.percent - meanY
    xx += dx * dx
    xy += dx * dy
    yy += dy * dy
  }
  if (xx === 0 || yy === 0) return null
  const slope = xy / xx
  const fit = (xy * xy) / (xx * yy)
  if (slope <= 0 || fit < leastFit) return null
  // One large copy makes a line too, but it is over: what fills goes on to do so.
  const recent = points.slice(-Math.max(3, Math.ceil(count / 3)))
  const [begin] = recent
  const passed = begin ? x(last) - x(begin) : 0
  if (begin === undefined || passed <= 0 || (last.percent - begin.percent) / passed < leastRecent * slope)
    return null
  const days = (100 - last.percent) / slope
  return days <= mostDays ? Math.max(0, days) : null
}
