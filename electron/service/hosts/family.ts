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

/** Children by parent; made anew when the family has changed, since it is asked for at every fall. */
const indexes = new WeakMap<Family, ReadonlyMap<number, readonly WatchedHost[]>>()

/** Says that hosts came, went, or have other parents. */
export function familyChanged(hosts: Family): void {
  indexes.delete(hosts)
}

function childrenOf(hosts: Family): ReadonlyMap<number, readonly WatchedHost[]> {
  const known = indexes.get(hosts)
  if (known) return known
  const made = Map.groupBy(
    [...hosts.values()].filter(({ record }) => record.parent !== null),
    ({ record }) => record.parent ?? 0,
  )
  indexes.set(hosts, made)
  return made
}

/** Returns everything behind a host, nearest first. */
export function descendantsOf(hosts: Family, id: number): WatchedHost[] {
  const byParent = childrenOf(hosts)
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
