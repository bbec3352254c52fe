/** A request that cannot be served, with its status and a sentence for whoever asked. */
export class HttpProblem extends Error {
  readonly statusCode: number

  constructor(statusCode: 400 | 401 | 403 | 404 | 409 | 413 | 429 | 503, message: string) {
    super(message)
    this.name = 'HttpProblem'
    this.statusCode = statusCode
  }
}

/** A question to the reader's thread that failed, with the name of the error there. */
export class ReaderError extends Error {
  readonly failure: string
  /** Code of SQLite or of the system there; null when it had none. */
  readonly code: string | null

  constructor(failure: string, message: string, code: string | null = null) {
    super(message)
    this.name = 'ReaderError'
    this.failure = failure
    this.code = code
  }
}
