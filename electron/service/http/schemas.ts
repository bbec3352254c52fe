import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'

/** How what comes from outside is held against its schema. */

const rules = {
  useDefaults: true,
  removeAdditional: false,
  allErrors: false,
  discriminator: true,
  // Words such as `description` stand beside what is checked.
  strict: false,
  verbose: true,
} as const
/** An address is text, so its numbers are read from it. */
export const lenient = addFormats(new Ajv({ ...rules, coerceTypes: true }))
/** A body says what it means. */
export const exact = addFormats(new Ajv({ ...rules, coerceTypes: false }))
