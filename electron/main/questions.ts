import type { BrowserWindow, Dialog, MessageBoxOptions, MessageBoxReturnValue } from 'electron'
import { quitQuestion, type QuitEvent } from './quit.ts'

/** The two questions that the app asks by itself. */

const title = 'Watchkeeper'

/** How a question is put. */
export interface Asking {
  readonly dialog: Pick<Dialog, 'showMessageBox'>
  /** The window that the dialog hangs on; null where it stands alone. */
  readonly parent: BrowserWindow | null
}

function put({ dialog, parent }: Asking, options: MessageBoxOptions): Promise<MessageBoxReturnValue> {
  return parent === null ? dialog.showMessageBox(options) : dialog.showMessageBox(parent, options)
}

/** Asks what quitting means, and returns the answer; a dialog that is closed means to stay. */
export async function askWhatQuittingMeans(
  asking: Asking,
  watching: Parameters<typeof quitQuestion>[0],
): Promise<QuitEvent> {
  const { message, detail, buttons, events } = quitQuestion(watching)
  const { response } = await put(asking, {
    type: 'question',
    title,
    message,
    detail,
    buttons: [...buttons],
    defaultId: 0,
    cancelId: buttons.length - 1,
    noLink: true,
  })
  return events[response] ?? 'answered-stay'
}

/** Asks whether the app is to start at login. */
export async function askWhetherToOpenAtLogin(asking: Asking): Promise<boolean> {
  const { response } = await put(asking, {
    type: 'question',
    title,
    message: 'Start Watchkeeper when you log in?',
    detail:
      'It starts hidden and records while you are logged in. This can be changed on the About page at any time.',
    buttons: ['Start at login', 'Not now'],
    defaultId: 0,
    cancelId: 1,
    noLink: true,
  })
  return response === 0
}
