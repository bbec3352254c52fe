/**
 * Name of the desktop app to the system: Windows shows notices only of apps whose Start-menu entry carries it (AppUserModelID), and on
 * Linux the desktop entry is named after it. It is the `appId` of the installers.
 */
export const appId = 'io.github.watchkeeper.Watchkeeper'
