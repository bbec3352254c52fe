import type { GapKind, Presence } from '../electron/shared/vocabulary.ts'

/** How a state looks: always an icon, a colour and a word together. */
export interface StateLook {
  readonly icon: string
  /** Name of the colour variable in styles.css. */
  readonly colour: string
  readonly badge: 'success' | 'info' | 'error' | 'neutral' | 'warning'
  readonly isHatched: boolean
}

export const presenceLooks: Readonly<Record<Presence, StateLook>> = {
  up: { icon: 'i-lucide-check', colour: '--state-up', badge: 'success', isHatched: false },
  asleep: { icon: 'i-lucide-moon', colour: '--state-asleep', badge: 'info', isHatched: false },
  down: { icon: 'i-lucide-x', colour: '--state-down', badge: 'error', isHatched: false },
  'recorder-off': {
    icon: 'i-lucide-eye-off',
    colour: '--state-recorder-off',
    badge: 'neutral',
    isHatched: true,
  },
  unknown: {
    icon: 'i-lucide-circle-question-mark',
    colour: '--state-unknown',
    badge: 'neutral',
    isHatched: true,
  },
}

export const gapKindLooks: Readonly<Record<GapKind, StateLook & { readonly word: string }>> = {
  off: { ...presenceLooks.down, icon: 'i-lucide-power', word: 'machine off' },
  crashed: { ...presenceLooks.down, icon: 'i-lucide-zap', word: 'crashed or lost power' },
  asleep: { ...presenceLooks.asleep, word: 'asleep' },
  'recorder-off': { ...presenceLooks['recorder-off'], word: 'recorder off' },
  unknown: { ...presenceLooks.unknown, word: 'unknown' },
}
