import { openFlightTable, openRaw, type MadeFlight } from './raw-database.ts'

/** What a made-up history is to hold. Everything follows from the seed. */
export interface HistoryPlan {
  readonly flights: number
  readonly endMs: number
  readonly spanMs: number
  readonly seed?: number
}

/** Returns numbers in [0, 1) that are the same for the same seed (https://en.wikipedia.org/wiki/Xorshift). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

const kernels = ['6.1.0-18-amd64', '6.1.0-21-amd64', '6.12.4-amd64', '6.12.9-amd64']

/** Writes a plausible past of a machine into a database that the service has already opened once. */
export function makeHistory(database: string, { flights, endMs, spanMs, seed = 7 }: HistoryPlan): void {
  const random = seededRandom(seed)
  const slot = spanMs / flights
  const raw = openRaw(database)
  raw.exec('DELETE FROM flight; DELETE FROM flight_detail')
  raw.close()
  const table = openFlightTable(database)
  let boot = 0
  let bootedAtMs = endMs - spanMs
  const made: MadeFlight[] = []
  for (let index = 0; index < flights; index += 1) {
    const beginMs = Math.round(endMs - spanMs + index * slot)
    const lengthMs = Math.round(slot * (0.9 + random() * 0.098))
    const kind = random()
    // One boot in four goes on over a restart of the recorder; of the others most end in order.
    if (index === 0 || kind > 0.25) {
      boot += 1
      bootedAtMs = beginMs - Math.round(random() * Math.min(60_000, slot * 0.001))
    }
    const ended = kind > 0.92 ? null : 'SIGTERM'
    made.push({
      beginMs,
      lengthMs,
      bootId: `00000000-0000-4000-8000-${String(boot).padStart(12, '0')}`,
      beginBootMs: beginMs - bootedAtMs,
      os: `Linux ${kernels[Math.floor((index / flights) * kernels.length)] ?? ''}`,
      ended,
      ...(random() > 0.8 &&
        lengthMs > 60_000 && {
          sleep: { atMs: Math.round(lengthMs / 3), lengthMs: Math.round(lengthMs / 5) },
        }),
      ...(ended === null &&
        random() > 0.5 && {
          evidence: {
            fact: 'panic',
            text: 'kernel: Kernel panic - not syncing: Fatal exception in interrupt',
          },
        }),
    })
  }
  table.insert(made)
  table.close()
}
