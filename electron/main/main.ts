import * as electron from 'electron'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { appId } from '../shared/app-id.ts'
import { cliArguments, runCommandLine } from './cli-mode.ts'
import { systemClock } from './clock.ts'
import { errorText } from './error-text.ts'
import { shellScheme, shellSchemePrivileges } from './security.ts'
import { openShellLog } from './shell-log.ts'
import { startShell } from './shell.ts'

/** The program that Electron runs. */

const beside = (file: string): string => fileURLToPath(new URL(file, import.meta.url))
const { app, dialog } = electron

async function commandLine(args: readonly string[]): Promise<void> {
  const code = await runCommandLine(
    args,
    () =>
      import(/* @vite-ignore */ new URL('../node/cli.js', import.meta.url).href) as Promise<{
        main(args: readonly string[]): Promise<number>
      }>,
  )
  app.exit(code)
}

async function shell(): Promise<void> {
  app.enableSandbox()
  electron.protocol.registerSchemesAsPrivileged([{ scheme: shellScheme, privileges: shellSchemePrivileges }])
  if (process.platform === 'win32') app.setAppUserModelId(appId)
  if (!app.requestSingleInstanceLock()) {
    // The one that runs opens its window.
    app.quit()
    return
  }
  const log = openShellLog(app.getPath('logs'), () => systemClock.wallMs())
  process.on('unhandledRejection', (error) =>
    log.write(
      `an error of the app's own: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    ),
  )
  // Electron would stop at a dialog that nobody may be there to answer.
  process.on('uncaughtException', (error) =>
    log.write(`an error of the app's own: ${error.stack ?? error.message}`),
  )
  await app.whenReady()
  await startShell({
    electron,
    clock: systemClock,
    platform: process.platform,
    argv: process.argv,
    env: process.env,
    log,
    files: {
      service: beside('../node/service.js'),
      preload: beside('preload.cjs'),
      icons: beside('../icons'),
    },
    loadUpdater: async () => {
      const module = await import('electron-updater')
      return module.default.autoUpdater
    },
  }).catch((error: unknown) => {
    log.write(`the app could not start: ${errorText(error)}`)
    dialog.showErrorBox('Watchkeeper could not start', errorText(error))
    app.exit(1)
  })
}

const args = cliArguments(process.argv)
void (args === null ? shell() : commandLine(args))
