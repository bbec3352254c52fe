import type { NativeImage } from 'electron'
import path from 'node:path'
import type { TrayIcon } from './tray-model.ts'

/** How icons are drawn: in colours, or in one that stands out on a light or on a dark bar. */
export type IconStyle = '' | '-on-light' | '-on-dark'

/** Returns the file of a tray icon: a template on macOS, many sizes in one on Windows, one a scale elsewhere. */
export function trayIconFile(
  folder: string,
  icon: TrayIcon,
  platform: NodeJS.Platform,
  style: IconStyle = '',
): string {
  switch (platform) {
    case 'darwin':
      return path.join(folder, 'tray', `${icon}Template.png`)
    case 'win32':
      return path.join(folder, 'tray', `${icon}${style}.ico`)
    default:
      return path.join(folder, 'tray', `${icon}${style}.png`)
  }
}

/** Loads images once each; Electron gives an empty one, and no error, for a file that is missing. */
export function imageLoader(
  load: (file: string) => NativeImage,
  log: (line: string) => void,
): (file: string) => NativeImage {
  const loaded = new Map<string, NativeImage>()
  return (file) => {
    const known = loaded.get(file)
    if (known) return known
    const image = load(file)
    if (image.isEmpty()) log(`the icon ${path.basename(file)} cannot be read`)
    if (file.endsWith('Template.png')) image.setTemplateImage(true)
    loaded.set(file, image)
    return image
  }
}
