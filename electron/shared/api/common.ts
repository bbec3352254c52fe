import { Type, type Static, type TSchema } from 'typebox'

/** Builds a schema for one of a fixed list of words. */
export const OneOf = <const Words extends readonly string[]>(words: Words) =>
  Type.Unsafe<Words[number]>(Type.String({ enum: [...words] }))

/** Builds a schema for a value that may be null. */
export const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])

export const Instant = Type.String({ format: 'date-time', description: 'ISO 8601, UTC' })

/** The one shape of every error of the native API. */
export const ApiError = Type.Object({ error: Type.String({ description: 'What is wrong, in a sentence.' }) })
export type ApiError = Static<typeof ApiError>

/** A window of time asked for. `last` (such as `30d`) counts back from `until`, or from now. */
export const WindowQuery = Type.Object(
  {
    since: Type.Optional(
      Type.String({ maxLength: 40, description: 'ISO 8601; a time without a zone is server time' }),
    ),
    until: Type.Optional(Type.String({ maxLength: 40, description: 'ISO 8601; now when left out' })),
    last: Type.Optional(Type.String({ maxLength: 20, description: 'A span such as 24h, 30d or 1y' })),
  },
  { additionalProperties: false },
)
export type WindowQuery = Static<typeof WindowQuery>
