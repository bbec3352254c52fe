import { checked, ToService, type FromService } from '../../shared/shell/service-messages.ts'

/** The way to the shell, by parameter: a utility process has `process.parentPort`, a forked one `process.send`. */
export interface ShellPort {
  post(message: FromService): void
  /** Calls back with every message that is one; anything else is dropped. */
  onMessage(listener: (message: ToService) => void): void
}

/** `process.parentPort` as Electron documents it (https://www.electronjs.org/docs/latest/api/parent-port). */
export interface ParentPort {
  postMessage(message: unknown): void
  on(event: 'message', listener: (event: { readonly data: unknown }) => void): unknown
}

/** Returns the port of a utility process. */
export function shellPort(parent: ParentPort): ShellPort {
  return {
    post: (message) => parent.postMessage(message),
    onMessage: (listener) =>
      void parent.on('message', ({ data }) => {
        const message = checked(ToService, data)
        if (message !== null) listener(message)
      }),
  }
}
