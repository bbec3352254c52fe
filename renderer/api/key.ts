import { ref } from 'vue'

const storageName = 'watchkeeper-key'

/** The access key that requests carry; null until one is known. */
export const accessKey = ref<string | null>(read())

function read(): string | null {
  return sessionStorage.getItem(storageName) ?? localStorage.getItem(storageName)
}

/** Takes the key from the fragment (`#key=…`) into this tab's memory and out of the address bar and history. */
export function takeKeyFromAddress(address: string = location.href): void {
  const key = /#\/?key=([A-Za-z0-9_-]+)/.exec(address)?.[1]
  if (key === undefined) return
  sessionStorage.setItem(storageName, key)
  accessKey.value = key
  history.replaceState(null, '', `${location.pathname}#/`)
}

/** Takes the key from the desktop app, into memory alone: nothing of it is kept by the browser. */
export async function takeKeyFromShell(): Promise<void> {
  accessKey.value = (await window.watchkeeper?.accessKey().catch(() => null)) ?? accessKey.value
}

// A tab that is already open is given a key the same way; the router may have changed the address by then.
addEventListener('hashchange', ({ newURL }) => takeKeyFromAddress(newURL))

/** Keeps a key that was typed, in this tab or on this device. */
export function rememberKey(key: string, onDevice: boolean): void {
  forgetKey()
  ;(onDevice ? localStorage : sessionStorage).setItem(storageName, key)
  accessKey.value = key
}

export function forgetKey(): void {
  sessionStorage.removeItem(storageName)
  localStorage.removeItem(storageName)
  accessKey.value = null
}
