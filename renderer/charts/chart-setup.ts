import {
  ArcElement,
  BarController,
  BarElement,
  CategoryScale,
  Chart,
  DoughnutController,
  Filler,
  Legend,
  LineController,
  LineElement,
  LinearScale,
  PointElement,
  TimeScale,
  Tooltip,
} from 'chart.js'
import annotation from 'chartjs-plugin-annotation'
import zoom from 'chartjs-plugin-zoom'
import type { ZoomPluginOptions } from 'chartjs-plugin-zoom/types/options'
import 'chartjs-adapter-date-fns'

Chart.register(
  ArcElement,
  BarController,
  BarElement,
  CategoryScale,
  DoughnutController,
  Filler,
  Legend,
  LineController,
  LineElement,
  LinearScale,
  PointElement,
  TimeScale,
  Tooltip,
  annotation,
  zoom,
)

// Only charts with several series have something to explain.
Chart.defaults.plugins.legend.display = false

export { Chart }

/** Returns how people look closer at a chart over time; `zoomed` is told the window (ms) that they chose. */
export function zoomOptions(zoomed: (sinceMs: number, untilMs: number) => void): ZoomPluginOptions {
  const report = ({ chart }: { chart: Chart }): void => {
    const { min, max } = chart.scales['x'] ?? {}
    if (min !== undefined && max !== undefined && max - min >= shortestMs) zoomed(min, max)
  }
  return {
    pan: { enabled: true, mode: 'x', modifierKey: 'shift', onPanComplete: report },
    zoom: {
      mode: 'x',
      wheel: { enabled: true, modifierKey: 'ctrl' },
      pinch: { enabled: true },
      drag: { enabled: true, backgroundColor: 'rgba(20, 184, 166, 0.2)' },
      onZoomComplete: report,
    },
  }
}
/** A shorter window (ms) has nothing to show. */
const shortestMs = 1_000

/** Returns the looks of an axis of time. */
export function timeTicks() {
  return {
    grid: { color: colourOf('--ui-border') },
    ticks: { color: colourOf('--ui-text-muted'), maxRotation: 0, autoSkipPadding: 24 },
    time: {
      displayFormats: {
        second: 'HH:mm:ss',
        minute: 'HH:mm',
        hour: 'HH:mm',
        day: 'd MMM',
        week: 'd MMM',
        month: 'MMM yyyy',
      },
    },
  }
}

/** Returns a colour variable's value as the canvas takes it. */
export function colourOf(variable: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(variable).trim()
}

/** Returns a hatching over a colour, for time in which nobody looked. */
export function hatch(base: string, line: string): CanvasPattern | string {
  const size = 8
  const canvas = document.createElement('canvas')
  canvas.width = size
  canvas.height = size
  const context = canvas.getContext('2d')
  if (!context) return base
  context.fillStyle = base
  context.fillRect(0, 0, size, size)
  context.strokeStyle = line
  context.lineWidth = 1.5
  context.beginPath()
  for (const offset of [-size, 0, size]) {
    context.moveTo(offset, size)
    context.lineTo(offset + size, 0)
  }
  context.stroke()
  return context.createPattern(canvas, 'repeat') ?? base
}
