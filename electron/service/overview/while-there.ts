import type { Log } from '../log.ts'
import type { Telemetry } from '../telemetry/index.ts'

/** Asks the store of records; null while it is away or when it fails, since it takes only its own part of an answer with it. */
export async function whileThere<T>(
  telemetry: Telemetry,
  log: Log,
  ask: (store: ReturnType<Telemetry['store']>) => Promise<T>,
): Promise<T | null> {
  if (telemetry.trouble !== null) return null
  try {
    return await ask(telemetry.store())
  } catch (error) {
    log.warn({ err: error }, 'Telemetry records could not be asked')
    return null
  }
}
