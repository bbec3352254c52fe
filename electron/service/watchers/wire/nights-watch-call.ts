import type { FastifyRequest } from 'fastify'
import type { RoomContext } from '../../context.ts'
import type { Watchers } from '../index.ts'
import { pythonError } from '../nights-watch-text.ts'
import type { Query } from './ingest.ts'

/** What the commands of Night’s Watch and Coal Mine are made of. */

/** How the two services of one family differ. */
export interface Dialect {
  readonly path: string
  readonly one: 'watcher' | 'canary'
  readonly many: 'watchers' | 'canaries'
  readonly title: 'Watcher' | 'Canary'
  readonly isCoalMine: boolean
}

/** An answer that is an error of the original, with its words. */
export class Refusal extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.name = 'Refusal'
    this.status = status
  }
}

/** Returns an error with Python's `repr` of an exception. */
export const python = (kind: string, message: string, status = 400): Refusal =>
  new Refusal(status, pythonError(kind, message))

export interface Call {
  readonly dialect: Dialect
  readonly query: Query
  readonly watchers: Watchers
  readonly context: RoomContext
  readonly request: FastifyRequest
}

/** @throws Refusal for an argument that a command does not take */
export function allow(query: Query, names: readonly string[]): void {
  const extra = query.names().find((name) => name !== 'auth_key' && !names.includes(name))
  if (extra !== undefined) throw python('Exception', `Unexpected argument "${extra}"`)
}

/** Returns a boolean argument; null when it is not given. @throws Refusal when it is none */
export function flag(query: Query, name: string): boolean | null {
  const value = query.last(name)
  if (value === null) return null
  if (/^(?:true|yes|1)$/i.test(value)) return true
  if (/^(?:false|no|0)$/i.test(value)) return false
  throw python('ValueError', `Bad boolean value "${value}" for parameter "${name}"`)
}
