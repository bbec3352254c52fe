// Draws every icon from its SVG (resources/icons, and the page's own) into dist/icons: PNGs a scale for Linux, templates for macOS, ICO and ICNS.
import { Resvg } from '@resvg/resvg-js'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import pngToIco from 'png-to-ico'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Colours that are told apart on light and on dark bars alike; the shapes say the same without them. */
const trayColours = {
  up: '#16a34a',
  degraded: '#d97706',
  problem: '#dc2626',
  unobserved: '#8492a6',
  paused: '#8492a6',
  starting: '#0d9488',
  stopped: '#c2410c',
}
/** One-coloured icons, for bars that are light or dark. */
const plainColours = { '-on-light': '#1e293b', '-on-dark': '#f8fafc' }
/** Suffixes that Electron picks by the scale of the screen (https://www.electronjs.org/docs/latest/api/native-image). */
const linuxScales = { '': 1, '@1.25x': 1.25, '@1.5x': 1.5, '@2x': 2, '@3x': 3 }
const linuxSize = 22
const macSize = 16
const windowsSizes = [16, 20, 24, 32, 40, 48, 64]
const appSizes = [16, 24, 32, 48, 64, 128, 256, 512]
/** Types of PNG images in an ICNS file, by the pixels they hold (https://en.wikipedia.org/wiki/Apple_Icon_Image_format). */
const icnsTypes = {
  icp4: 16,
  icp5: 32,
  icp6: 64,
  ic07: 128,
  ic08: 256,
  ic09: 512,
  ic10: 1024,
  ic11: 32,
  ic12: 64,
  ic13: 256,
  ic14: 512,
}

function png(svg, size, colour) {
  const coloured = colour === undefined ? svg : svg.replace('<svg ', `<svg color="${colour}" `)
  return new Resvg(coloured, { fitTo: { mode: 'width', value: size } }).render().asPng()
}

function icns(images) {
  const entries = images.map(({ type, data }) => {
    const head = Buffer.alloc(8)
    head.write(type, 'latin1')
    head.writeUInt32BE(data.length + 8, 4)
    return Buffer.concat([head, data])
  })
  const head = Buffer.alloc(8)
  head.write('icns', 'latin1')
  head.writeUInt32BE(8 + entries.reduce((sum, { length }) => sum + length, 0), 4)
  return Buffer.concat([head, ...entries])
}

/** Draws everything into a folder. */
export async function drawIcons(target = `${root}dist/icons`) {
  rmSync(target, { recursive: true, force: true })
  mkdirSync(path.join(target, 'tray'), { recursive: true })
  mkdirSync(path.join(target, 'app'), { recursive: true })
  for (const [name, colour] of Object.entries(trayColours)) {
    const svg = readFileSync(`${root}resources/icons/tray/${name}.svg`, 'utf8')
    const write = (file, data) => writeFileSync(path.join(target, 'tray', file), data)
    for (const [style, ink] of [['', colour], ...Object.entries(plainColours)]) {
      for (const [suffix, scale] of Object.entries(linuxScales))
        write(`${name}${style}${suffix}.png`, png(svg, Math.round(linuxSize * scale), ink))
      write(`${name}${style}.ico`, await pngToIco(windowsSizes.map((size) => png(svg, size, ink))))
    }
    write(`${name}Template.png`, png(svg, macSize, '#000'))
    write(`${name}Template@2x.png`, png(svg, macSize * 2, '#000'))
  }
  // The page and the app have one face.
  const app = readFileSync(`${root}renderer/public/favicon.svg`, 'utf8')
  for (const size of appSizes) writeFileSync(path.join(target, 'app', `${size}x${size}.png`), png(app, size))
  writeFileSync(
    path.join(target, 'app.ico'),
    await pngToIco([...windowsSizes, 256].map((size) => png(app, size))),
  )
  writeFileSync(
    path.join(target, 'app.icns'),
    icns(Object.entries(icnsTypes).map(([type, size]) => ({ type, data: png(app, size) }))),
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await drawIcons()
