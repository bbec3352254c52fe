/** The stand-in for `electron`: what the shell uses of it, behaving as documented, with a real process and real pages. */
export { app, nativeTheme, powerMonitor } from './app.ts'
export { dialog, Menu, nativeImage, Notification, shell, Tray } from './desktop.ts'
export { ipcMain, protocol, session } from './pages.ts'
export { utilityProcess } from './utility-process.ts'
export { BaseWindow, BrowserWindow, screen } from './windows.ts'
