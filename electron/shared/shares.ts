/**
 * Returns the parts as percentages with two decimals that add up to exactly 100.00, by the largest-remainder method
 * (https://en.wikipedia.org/wiki/Quota_method), or all zero when the parts are.
 */
export function percentShares<Name extends string>(
  parts: Readonly<Record<Name, number>>,
): Record<Name, number> {
  const names = Object.keys(parts) as Name[]
  const total = names.reduce((sum, name) => sum + parts[name], 0)
  const exact = names.map((name) => ({ name, value: total > 0 ? (parts[name] / total) * 10_000 : 0 }))
  const floors = exact.map(({ name, value }) => ({
    name,
    floor: Math.floor(value),
    rest: value - Math.floor(value),
  }))
  let missing = total > 0 ? 10_000 - floors.reduce((sum, { floor }) => sum + floor, 0) : 0
  for (const entry of [...floors].sort((a, b) => b.rest - a.rest)) {
    if (missing <= 0) break
    entry.floor += 1
    missing -= 1
  }
  return Object.fromEntries(floors.map(({ name, floor }) => [name, floor / 100])) as Record<Name, number>
}
