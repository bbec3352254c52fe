/** What can be wrong with a database, as kinds that callers can act on. */
export type StoreErrorKind =
  'missing' | 'cannot-open' | 'not-a-database' | 'wrong-shape' | 'newer' | 'corrupt' | 'in-use' | 'full'

/** A database that cannot be used, with a sentence for its user. */
export class StoreError extends Error {
  readonly kind: StoreErrorKind

  constructor(kind: StoreErrorKind, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StoreError'
    this.kind = kind
  }
}

/** Returns SQLite's result code of an error (such as `SQLITE_FULL`), or null when it does not come from SQLite. */
export function sqliteCode(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null
  return typeof error.code === 'string' && error.code.startsWith('SQLITE_') ? error.code : null
}

/** Returns an error that happened while opening `path` as a {@link StoreError} with its kind. */
export function asStoreError(error: unknown, path: string): StoreError {
  if (error instanceof StoreError) return error
  const reason = error instanceof Error ? error.message : String(error)
  const code = sqliteCode(error) ?? ''
  if (code.startsWith('SQLITE_NOTADB'))
    return new StoreError('not-a-database', `${path} is not a database`, { cause: error })
  if (code.startsWith('SQLITE_CORRUPT'))
    return new StoreError('corrupt', `${path} is damaged: ${reason}`, { cause: error })
  if (code.startsWith('SQLITE_FULL'))
    return new StoreError('full', `the disk of ${path} is full`, { cause: error })
  return new StoreError('cannot-open', `cannot open ${path}: ${reason}`, { cause: error })
}
