import { Type, type Static, type TSchema } from 'typebox'
import { Check } from 'typebox/value'
import { Nullable, OneOf } from '../api/common.ts'

/**
 * What the shell and its service say to each other over the parent port. Both sides check what they receive: the service
 * runs in a process of its own, which may be of another version after an update, or broken.
 */

const strict = { additionalProperties: false } as const

/** What the system told the shell of power and of the session. */
export const powerEvents = [
  'suspend',
  'resume',
  'session-ending',
  'lock-screen',
  'unlock-screen',
  'on-battery',
  'on-ac',
] as const
export type PowerEvent = (typeof powerEvents)[number]

/** Why a service is asked to stop; the recorder writes it down as the end of the flight. */
export const stopReasons = ['quit', 'shutdown'] as const
export type StopReason = (typeof stopReasons)[number]

export const ToService = Type.Union([
  Type.Object(
    {
      kind: Type.Literal('start'),
      userData: Type.String({ minLength: 1, description: "folder of the desktop app's own database" }),
      canNotify: Type.Boolean({ description: 'the shell can show notices itself' }),
      lastEnd: Nullable(
        Type.String({ maxLength: 500, description: 'how the service before this one ended, if it crashed' }),
      ),
    },
    strict,
  ),
  Type.Object({ kind: Type.Literal('ping'), id: Type.Integer() }, strict),
  Type.Object({ kind: Type.Literal('power'), event: OneOf(powerEvents) }, strict),
  Type.Object({ kind: Type.Literal('stop'), how: OneOf(stopReasons) }, strict),
  Type.Object(
    {
      kind: Type.Literal('notice-result'),
      id: Type.Integer(),
      reason: Nullable(
        Type.String({ maxLength: 1_000, description: 'why it was not shown; null when it was' }),
      ),
      isUnusable: Type.Boolean({ description: 'this desktop takes no notice from the shell' }),
    },
    strict,
  ),
])
export type ToService = Static<typeof ToService>

/** A notice that the shell is to show. */
export const ShellNotice = Type.Object(
  {
    kind: Type.Literal('notice'),
    id: Type.Integer(),
    title: Type.String(),
    text: Type.String(),
    replaces: Type.String({ description: 'notices of one incident share it' }),
    isUrgent: Type.Boolean(),
    path: Type.String({ description: 'of the item in the UI' }),
  },
  strict,
)
export type ShellNotice = Static<typeof ShellNotice>

/** Where a service can be asked. The key is null where none is needed. */
export const ServicePlace = Type.Object(
  { origin: Type.String({ pattern: '^http://' }), key: Nullable(Type.String()) },
  strict,
)
export type ServicePlace = Static<typeof ServicePlace>

export const FromService = Type.Union([
  Type.Object({ kind: Type.Literal('ready'), place: ServicePlace, database: Type.String() }, strict),
  Type.Object(
    {
      kind: Type.Literal('refused'),
      why: OneOf(['in-use', 'cannot-start'] as const),
      reason: Type.String(),
      database: Type.String(),
      other: Nullable(ServicePlace),
    },
    strict,
  ),
  Type.Object({ kind: Type.Literal('pong'), id: Type.Integer() }, strict),
  Type.Object({ kind: Type.Literal('power-noted'), event: OneOf(powerEvents) }, strict),
  Type.Object({ kind: Type.Literal('stopped') }, strict),
  ShellNotice,
])
export type FromService = Static<typeof FromService>

/** Returns a message if it is one of the schema; null for anything else. */
export function checked<T extends TSchema>(schema: T, message: unknown): Static<T> | null {
  return Check(schema, message) ? message : null
}
