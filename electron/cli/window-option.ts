import { parseWindow, WindowError, type WindowBounds } from '../shared/window.ts'
import { CommandError, exitCodes } from './io.ts'

/** The options that name a window, as commander hands them over. */
export interface WindowOptions {
  readonly since?: string
  readonly until?: string
  readonly last?: string
}

/** Returns the bounds that a command's options name. @throws CommandError */
export function windowOf({ since, until, last }: WindowOptions, nowMs: number): WindowBounds {
  try {
    return parseWindow(
      {
        ...(since !== undefined && { since }),
        ...(until !== undefined && { until }),
        ...(last !== undefined && { last }),
      },
      nowMs,
    )
  } catch (error) {
    if (error instanceof WindowError) throw new CommandError(error.message, exitCodes.usage)
    throw error
  }
}
