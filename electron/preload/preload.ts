import { contextBridge, ipcRenderer } from 'electron'
import {
  bridgeCalls,
  bridgeChannel,
  bridgeName,
  type BridgeCall,
  type BridgeReply,
} from '../shared/shell/bridge.ts'
import { Check } from 'typebox/value'

/** Gives the page one function a call, and nothing of Electron itself. */

async function ask(call: BridgeCall, given: unknown): Promise<unknown> {
  const { takes, answers } = bridgeCalls[call]
  if (!Check(takes, given ?? null)) throw new Error(`${call}: that is not what it takes.`)
  const reply = (await ipcRenderer.invoke(bridgeChannel(call), given ?? null)) as BridgeReply
  if ('error' in reply) throw new Error(reply.error)
  if (!Check(answers, reply.answer)) throw new Error(`${call}: the app answered something else.`)
  return reply.answer
}

contextBridge.exposeInMainWorld(
  bridgeName,
  Object.fromEntries(
    (Object.keys(bridgeCalls) as BridgeCall[]).map((call) => [call, (given?: unknown) => ask(call, given)]),
  ),
)
