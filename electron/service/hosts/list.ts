import type { HostList, HostQuery } from '../../shared/api/hosts.ts'
import { hostProblemStates, hostStates, type HostState } from '../../shared/host-words.ts'
import type { Hosts } from './index.ts'
import { rowOf, stateOf } from './view.ts'

/** Returns a page of hosts with the figures of all of them. */
export function listOf(
  room: Pick<Hosts, 'watched' | 'dayUptimes'>,
  query: HostQuery,
  nowMs: number,
): HostList {
  const all = [...room.watched.values()]
  const counts = Object.fromEntries(hostStates.map((state) => [state, 0])) as Record<HostState, number>
  const tags = new Set<string>()
  const groups = new Set<string>()
  const stated = all.map((host) => ({ host, state: stateOf(host) }))
  for (const { host, state } of stated) {
    counts[state] += 1
    for (const tag of host.record.tags) tags.add(tag)
    if (host.record.group !== '') groups.add(host.record.group)
  }
  const states = (query.state?.split(',') ?? []).flatMap((word) =>
    word === 'problem' ? [...hostProblemStates] : word === '' ? [] : [word],
  )
  const text = query.q?.trim().toLowerCase() ?? ''
  const shown = stated.filter(({ host: { record }, state }) => {
    if (states.length > 0 && !states.includes(state)) return false
    if (query.tag !== undefined && !record.tags.includes(query.tag)) return false
    if (query.group !== undefined && record.group !== query.group) return false
    if (text === '') return true
    const { name, domain, group, description } = record
    return [name, domain, group, description, ...record.tags].join('\n').toLowerCase().includes(text)
  })
  const byName = (a: (typeof shown)[number], b: (typeof shown)[number]): number =>
    a.host.record.name.localeCompare(b.host.record.name, undefined, { numeric: true })
  const latency = ({ host }: (typeof shown)[number]): number => host.probes[0]?.latencyMs ?? -1
  switch (query.sort ?? 'problems') {
    case 'problems':
      shown.sort((a, b) => hostStates.indexOf(a.state) - hostStates.indexOf(b.state) || byName(a, b))
      break
    case 'name':
      shown.sort(byName)
      break
    case 'latency':
      shown.sort((a, b) => latency(b) - latency(a) || byName(a, b))
      break
    case 'created':
      break
  }
  const { limit = 50, offset = 0 } = query
  const page = shown.slice(offset, offset + limit).map(({ host }) => host)
  const uptimes = room.dayUptimes(page)
  const sorted = (words: Set<string>): string[] => [...words].sort((a, b) => a.localeCompare(b))
  return {
    total: shown.length,
    all: all.length,
    counts,
    tags: sorted(tags),
    groups: sorted(groups),
    hosts: page.map((host) => rowOf(host, uptimes.get(host.record.id) ?? null, nowMs)),
  }
}
