import { SerializerSelector, type SerializerFactory } from '@fastify/fast-json-stringify-compiler'
import type { AnySchema, ValidateFunction } from 'ajv'
import type { FastifySchemaCompiler } from 'fastify'
import { exact, lenient } from './schemas.ts'

/**
 * Schemas become code when they are first needed. There are hundreds, of which a service that has just started needs a few, and on a small machine they
 * are most of what starting costs.
 */

/** Returns what checks a part of a request. */
export const compileValidator: FastifySchemaCompiler<AnySchema> = ({ schema, httpPart }) => {
  let compiled: ValidateFunction | null = null
  return (value: unknown) => {
    compiled ??= (httpPart === 'body' ? exact : lenient).compile(schema)
    if (compiled(value)) return true
    // Ajv's errors are the ones that Fastify means; its type only knows no message that is undefined.
    return { error: (compiled.errors ?? []) as never }
  }
}

/** Returns what makes serializers of answers. */
export const buildSerializer: SerializerFactory = (schemas, options) => {
  const compile = SerializerSelector()(schemas, options)
  return (route) => {
    let compiled: ReturnType<typeof compile> | null = null
    return (answer: unknown) => (compiled ??= compile(route))(answer)
  }
}
