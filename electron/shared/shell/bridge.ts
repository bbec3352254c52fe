import { Type, type Static, type TSchema } from 'typebox'
import { Nullable, OneOf } from '../api/common.ts'

/**
 * What the shell's page may ask of it beyond what a browser can do. One table serves the preload (which exposes one function
 * a row), the main process (which answers) and the page (which is typed by it); both ends check what passes.
 */

const strict = { additionalProperties: false } as const

export const loginStates = ['on', 'off', 'needs-approval', 'unavailable'] as const
export type LoginState = (typeof loginStates)[number]

export const updateStates = [
  'off',
  'unavailable',
  'idle',
  'checking',
  'current',
  'found',
  'ready',
  'failed',
] as const

/** What the About page shows of the desktop app. */
export const ShellInfo = Type.Object(
  {
    version: Type.String(),
    electron: Type.String(),
    chromium: Type.String(),
    platform: Type.String(),
    openAtLogin: OneOf(loginStates),
    openAtLoginWhy: Nullable(Type.String({ description: 'what has to be done, or why it cannot be done' })),
    iconShown: Type.Boolean(),
    oneColour: Nullable(Type.Boolean({ description: 'null where the system draws icons so anyway' })),
    updateCheck: Type.Boolean(),
    update: OneOf(updateStates),
    updateText: Type.String(),
    service: OneOf(['own', 'attached'] as const),
    database: Nullable(Type.String()),
  },
  strict,
)
export type ShellInfo = Static<typeof ShellInfo>

export const ShellChange = Type.Object(
  {
    openAtLogin: Type.Optional(Type.Boolean()),
    iconShown: Type.Optional(Type.Boolean()),
    oneColour: Type.Optional(Type.Boolean()),
    updateCheck: Type.Optional(Type.Boolean()),
  },
  { ...strict, minProperties: 1 },
)
export type ShellChange = Static<typeof ShellChange>

const nothing = Type.Null()

/** Every call: what it takes, what it answers, and whether the shell's own status page may make it too. */
export const bridgeCalls = {
  accessKey: { takes: nothing, answers: Nullable(Type.String()), onStatusPage: false },
  info: { takes: nothing, answers: ShellInfo, onStatusPage: false },
  change: { takes: ShellChange, answers: ShellInfo, onStatusPage: false },
  showDatabase: { takes: nothing, answers: nothing, onStatusPage: false },
  checkForUpdate: { takes: nothing, answers: ShellInfo, onStatusPage: false },
  installUpdate: { takes: nothing, answers: nothing, onStatusPage: false },
  openWindow: {
    takes: Type.String({ pattern: '^/[A-Za-z0-9/_.:%-]*$', maxLength: 300 }),
    answers: nothing,
    onStatusPage: false,
  },
  closePanel: { takes: nothing, answers: nothing, onStatusPage: false },
  quit: { takes: nothing, answers: nothing, onStatusPage: true },
  showLog: { takes: nothing, answers: nothing, onStatusPage: true },
  retry: { takes: nothing, answers: nothing, onStatusPage: true },
} as const satisfies Record<
  string,
  { readonly takes: TSchema; readonly answers: TSchema; readonly onStatusPage: boolean }
>

export type BridgeCall = keyof typeof bridgeCalls
export type BridgeTakes<Call extends BridgeCall> = Static<(typeof bridgeCalls)[Call]['takes']>
export type BridgeAnswers<Call extends BridgeCall> = Static<(typeof bridgeCalls)[Call]['answers']>

/** The bridge as the page sees it: `window.watchkeeper`, there in the desktop app alone. */
export type Bridge = {
  readonly [Call in BridgeCall]: BridgeTakes<Call> extends null
    ? () => Promise<BridgeAnswers<Call>>
    : (given: BridgeTakes<Call>) => Promise<BridgeAnswers<Call>>
}

/** Name of the bridge on `window`. */
export const bridgeName = 'watchkeeper'

/** Returns the channel of a call between page and shell. */
export function bridgeChannel(call: BridgeCall): string {
  return `${bridgeName}:${call}`
}

/** What crosses back: an answer, or a sentence that says why there is none. */
export type BridgeReply = { readonly answer: unknown } | { readonly error: string }
