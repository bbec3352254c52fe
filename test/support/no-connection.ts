import type { ConnectionView } from '../../electron/service/context.ts'

/** A connection of which nobody knows anything; all addresses are this machine's. */
export const noConnection: ConnectionView = {
  scopeOf: () => 'local',
  heard: () => undefined,
  check: () => Promise.resolve('unknown'),
}
