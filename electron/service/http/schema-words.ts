import type { FastifyError } from 'fastify'

/** What a schema refuses, in words. Pure. */

/** What a validator tells of the first thing that it refuses. */
export interface Refused {
  readonly keyword: string
  readonly instancePath: string
  readonly params: Readonly<Record<string, unknown>>
  readonly message?: string
  readonly parentSchema?: { readonly description?: unknown; readonly oneOf?: unknown }
  readonly data?: unknown
}

const mostShown = 40

/** Returns the first thing that a schema refuses, with its place. */
export function refusalWords({ validation, validationContext, message }: FastifyError): string {
  const first = validation?.[0] as Refused | undefined
  if (!first) return message
  const where = first.instancePath.replaceAll('/', '.').replace(/^\./, '')
  return `${[validationContext, where].filter(Boolean).join('.')}: ${wordsOf(first)}`
}

/** Returns why something is refused, without its place. */
export function wordsOf({ keyword, params, message = 'is not valid', parentSchema, data }: Refused): string {
  switch (keyword) {
    case 'additionalProperties':
      return `'${String(params['additionalProperty'])}' is not known here`
    case 'required':
      return `'${String(params['missingProperty'])}' is missing`
    case 'const':
    case 'discriminator':
      return 'is none of the words that are known here'
    case 'enum':
      return `is none of ${(params['allowedValues'] as unknown[]).join(', ')}`
    case 'minLength':
      return params['limit'] === 1 ? 'is empty' : message
    case 'maxLength':
      return `is longer than ${String(params['limit'])} characters`
    case 'pattern': {
      const said = parentSchema?.description
      const shown = typeof data === 'string' && data.length <= mostShown ? `'${data}'` : 'this'
      return `${shown} is not as it should be${typeof said === 'string' ? `: ${said}` : ''}`
    }
    default:
      return message
  }
}
