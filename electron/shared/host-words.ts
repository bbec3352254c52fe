/** The words of hosts, probes and incidents, used alike in code, API, UI and documents. */

/** How a host stands, worst first. */
export const hostStates = ['down', 'degraded', 'unobserved', 'up', 'new', 'paused'] as const
export type HostState = (typeof hostStates)[number]

/** States that somebody should look at. */
export const hostProblemStates = ['down', 'degraded'] as const satisfies readonly HostState[]

export const probeKinds = ['icmp', 'tcp', 'http', 'dns'] as const
export type ProbeKind = (typeof probeKinds)[number]

export const probeKindWords: Readonly<Record<ProbeKind, string>> = {
  icmp: 'Ping',
  tcp: 'TCP connection',
  http: 'Web request',
  dns: 'DNS record',
}

/** How far away an address is: this machine, a network it is in, or beyond a gateway. */
export const scopes = ['local', 'link', 'beyond'] as const
export type Scope = (typeof scopes)[number]
export type FarScope = Exclude<Scope, 'local'>

/** Why a probe failed. */
export const causeKinds = [
  'timeout',
  'unreachable',
  'refused',
  'reset',
  'name-not-found',
  'name-timeout',
  'certificate',
  'tls',
  'status',
  'content',
  'answer',
  'error',
] as const
export type CauseKind = (typeof causeKinds)[number]

/** Why nobody can tell how a host was. */
export const unobservedReasons = [
  'machine-off',
  'asleep',
  'not-running',
  'clock-moved',
  'offline',
  'cannot-probe',
  'not-yet',
] as const
export type UnobservedReason = (typeof unobservedReasons)[number]

export const unobservedWords: Readonly<Record<UnobservedReason, string>> = {
  'machine-off': 'this machine was off',
  asleep: 'this machine was asleep',
  'not-running': 'Watchkeeper was not running',
  'clock-moved': 'the clock was set forward',
  offline: 'this machine was offline',
  'cannot-probe': 'this machine could not probe',
  'not-yet': 'nothing was probed yet',
}

/** What a stretch of a host's past was. */
export const hostSegments = [
  'up',
  'degraded',
  'down',
  'asleep',
  'unobserved',
  'maintenance',
  'paused',
] as const
export type HostSegment = (typeof hostSegments)[number]

export const hostSegmentWords: Readonly<Record<HostSegment, string>> = {
  up: 'up',
  degraded: 'degraded',
  down: 'down',
  asleep: 'asleep',
  unobserved: 'unobserved',
  maintenance: 'maintenance',
  paused: 'paused',
}

/** One beat of a host: what its latest samples came to. */
export const beatKinds = ['ok', 'slow', 'lost', 'unobserved'] as const
export type BeatKind = (typeof beatKinds)[number]

/** By which way echoes are sent, best first. */
export const echoWays = ['datagram', 'raw', 'windows', 'fping', 'ping', 'none'] as const
export type EchoWay = (typeof echoWays)[number]

export const echoWayWords: Readonly<Record<EchoWay, string>> = {
  datagram: 'ICMP datagram socket, in process and without privileges',
  raw: 'raw ICMP socket, in process',
  windows: "Windows' own echo call, in process",
  fping: 'the program fping, one run for many hosts',
  ping: "the system's ping, a few at once",
  none: 'no way to send echoes',
}
