import { useQuery } from '@tanstack/vue-query'
import type { Bridge, ShellChange } from '../../electron/shared/shell/bridge.ts'
import { ApiFailure } from './client.ts'
import { queryClient } from './query-client.ts'

/** What the desktop app adds to the page; null in a browser. */
export const shell: Bridge | null = window.watchkeeper ?? null

/** Asks the desktop app. @throws ApiFailure with its sentence */
export async function askShell<T>(ask: (bridge: Bridge) => Promise<T>): Promise<T> {
  if (shell === null) throw new ApiFailure('refused', 'Only the desktop app can do that.')
  try {
    return await ask(shell)
  } catch (error) {
    throw new ApiFailure('refused', error instanceof Error ? error.message : String(error))
  }
}

export function useShellInfo() {
  return useQuery({
    queryKey: ['shell'],
    queryFn: () => askShell((bridge) => bridge.info()),
    enabled: shell !== null,
    // What the system's own settings change is read anew.
    refetchInterval: 10_000,
  })
}

/** Changes a setting of the app and shows how it then stands. @throws ApiFailure */
export async function changeShell(change: ShellChange): Promise<void> {
  queryClient.setQueryData(['shell'], await askShell((bridge) => bridge.change(change)))
}
