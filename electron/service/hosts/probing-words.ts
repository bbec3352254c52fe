import { echoWayWords } from '../../shared/host-words.ts'
import type { ChosenWay } from './icmp/pinger.ts'

/** Returns how echoes are sent, why no better way is used, and what would open it. */
export function probingWords({ way, refusals }: ChosenWay): {
  words: string
  why: string[]
  fix: string | null
} {
  return {
    words: echoWayWords[way],
    why: refusals.map(({ why }) => why),
    fix: refusals.find(({ fix }) => fix !== null)?.fix ?? null,
  }
}
