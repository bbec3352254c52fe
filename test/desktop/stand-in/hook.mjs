// Loaded by `node --import` before the app's own bundle: `electron` becomes the stand-in.
import { registerHooks } from 'node:module'
import process from 'node:process'

const standIn = new URL('./electron.ts', import.meta.url).href

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'electron' ? { url: standIn, shortCircuit: true } : next(specifier, context),
})

// What the shell decides by the platform can be looked at on any other.
const { WATCHKEEPER_TEST_PLATFORM: platform } = process.env
if (platform) Object.defineProperty(process, 'platform', { value: platform })
