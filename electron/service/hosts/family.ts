import type { WatchedHost } from './watched.ts'

/** Hosts behind hosts. Pure. */

type Family = ReadonlyMap<number, WatchedHost>

/** Returns a host's parent, its parent's parent and so on, the nearest first. */
export function ancestorsOf(hosts: Family, id: number): WatchedHost[] {
  const list: WatchedHost[] = []
  let parent = hosts.get(id)?.record.parent ?? null
  while (parent !== null) {
    const host = hosts.get(parent)
    // A circle would have no end.
    if (!host || host.record.id === id || list.includes(host)) break
    list.push(host)
    parent = host.record.parent
  }
  return list
}

/** Returns everything behind a host, nearest first. */
export function descendantsOf(hosts: Family, id: number): WatchedHost[] {
  const byParent = new Map<number, WatchedHost[]>()
  for (const host of hosts.values()) {
    const { parent } = host.record
    if (parent === null) continue
    const known = byParent.get(parent)
    if (known) known.push(host)
    else byParent.set(parent, [host])
  }
  const list: WatchedHost[] = []
  const seen = new Set([id])
  const visit = (parent: number): void => {
    for (const child of byParent.get(parent) ?? []) {
      if (seen.has(child.record.id)) continue
      seen.add(child.record.id)
      list.push(child)
      visit(child.record.id)
    }
  }
  visit(id)
  return list
}

/** Returns the names of what cannot be reached when a host is down. */
export function childNames(hosts: Family, id: number): string[] {
  return descendantsOf(hosts, id)
    .filter(({ record }) => !record.paused)
    .map(({ record }) => record.name)
}
