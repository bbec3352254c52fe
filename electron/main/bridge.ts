import type { IpcMain, IpcMainInvokeEvent } from 'electron'
import { Check } from 'typebox/value'
import {
  bridgeCalls,
  bridgeChannel,
  type BridgeAnswers,
  type BridgeCall,
  type BridgeReply,
  type BridgeTakes,
} from '../shared/shell/bridge.ts'
import { pageOrigin, statusOrigin } from './security.ts'
import { errorText } from './error-text.ts'

/** Answers of the shell to its page, one a call. A refusal is an Error whose sentence the page shows. */
export type BridgeAnswerers = {
  readonly [Call in BridgeCall]: (
    given: BridgeTakes<Call>,
  ) => BridgeAnswers<Call> | Promise<BridgeAnswers<Call>>
}

export interface BridgeParts {
  readonly ipcMain: Pick<IpcMain, 'handle'>
  readonly answerers: BridgeAnswerers
  /** True for the pages of the shell's own windows. */
  isOurs(contentsId: number): boolean
  serviceOrigin(): string | null
  log(line: string): void
}

/** Where a message came from, as far as it decides what it may ask. */
export interface Sender {
  readonly isOurs: boolean
  readonly isMainFrame: boolean
  readonly url: string | null
}

/** Returns whether a page may make a call: the main frame of our window, on the service's origin or on the status page. */
export function mayCall(call: BridgeCall, sender: Sender, serviceOrigin: string | null): boolean {
  if (!sender.isOurs || !sender.isMainFrame || sender.url === null) return false
  const origin = pageOrigin(sender.url)
  if (origin === statusOrigin) return bridgeCalls[call].onStatusPage
  return serviceOrigin !== null && origin === serviceOrigin
}

/** Answers every call of the bridge. This is the only place that listens to pages. */
export function listenToPages({ ipcMain, answerers, isOurs, serviceOrigin, log }: BridgeParts): void {
  for (const call of Object.keys(bridgeCalls) as BridgeCall[]) {
    ipcMain.handle(bridgeChannel(call), async (event, given: unknown): Promise<BridgeReply> => {
      if (!mayCall(call, senderOf(event, isOurs), serviceOrigin())) {
        log(`a page that may not ask for ${call} did`)
        return { error: 'This page may not ask for that.' }
      }
      if (!Check(bridgeCalls[call].takes, given)) return { error: `${call}: that is not what it takes.` }
      try {
        const answerer = answerers[call] as (given: unknown) => unknown
        return { answer: (await answerer(given)) ?? null }
      } catch (error) {
        return { error: errorText(error) }
      }
    })
  }
}

function senderOf({ sender, senderFrame }: IpcMainInvokeEvent, isOurs: (id: number) => boolean): Sender {
  return {
    isOurs: isOurs(sender.id),
    isMainFrame: senderFrame !== null && senderFrame.parent === null,
    url: senderFrame?.url ?? null,
  }
}
