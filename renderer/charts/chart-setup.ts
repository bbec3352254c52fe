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
