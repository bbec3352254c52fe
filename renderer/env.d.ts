/// <reference types="vite/client" />
import type { Bridge } from '../electron/shared/shell/bridge.ts'

declare global {
  interface Window {
    /** There in the desktop app alone. */
    readonly watchkeeper?: Bridge
  }
}
