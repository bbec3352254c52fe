import type { Rectangle } from 'electron'
import type { Settings } from './settings.ts'

/** Where windows stand: decisions alone. */

const usual = { width: 1180, height: 780 }
export const smallest = { width: 380, height: 420 }
/** So much of a window (px) must lie on a screen for its title to be reached. */
const reachable = 80

/** Returns where the window opens: where it was, if that is still on a screen; else in the middle of the first. */
export function windowBounds(
  kept: Settings['bounds'],
  workAreas: readonly Rectangle[],
): Partial<Rectangle> & { readonly width: number; readonly height: number } {
  const [first] = workAreas
  const fit = (size: { width: number; height: number }, area: Rectangle | undefined) => ({
    width: Math.max(smallest.width, Math.min(size.width, area?.width ?? size.width)),
    height: Math.max(smallest.height, Math.min(size.height, area?.height ?? size.height)),
  })
  if (kept === null) return fit(usual, first)
  const area = workAreas.find(
    ({ x, y, width, height }) =>
      Math.min(kept.x + kept.width, x + width) - Math.max(kept.x, x) >= reachable &&
      kept.y >= y &&
      kept.y + reachable <= y + height,
  )
  return area ? { x: kept.x, y: kept.y, ...fit(kept, area) } : fit(kept, first)
}

export const panelSize = { width: 380, height: 520 }

/** Returns where the panel stands: beside the icon, inside the screen's work area. */
export function panelBounds(icon: Rectangle, workArea: Rectangle): Rectangle {
  const { width } = panelSize
  const height = Math.min(panelSize.height, workArea.height)
  const within = (value: number, low: number, high: number): number => Math.max(low, Math.min(value, high))
  const isAbove = icon.y + icon.height / 2 > workArea.y + workArea.height / 2
  return {
    width,
    height,
    x: Math.round(
      within(icon.x + icon.width / 2 - width / 2, workArea.x, workArea.x + workArea.width - width),
    ),
    y: Math.round(
      within(
        isAbove ? icon.y - height : icon.y + icon.height,
        workArea.y,
        workArea.y + workArea.height - height,
      ),
    ),
  }
}
