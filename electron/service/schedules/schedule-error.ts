/** A schedule that cannot be used, with a sentence for whoever wrote it. */
export class ScheduleError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ScheduleError'
  }
}
