/** Told apart also by those who see fewer colours: https://jfly.uni-koeln.de/color/ */
const palette = ['#0d9488', '#6366f1', '#d97706', '#db2777', '#0284c7', '#65a30d', '#9333ea', '#dc2626']

/** Returns the colour of a series; they begin anew after eight. */
export function colourAt(index: number): string {
  return palette[index % palette.length] ?? '#64748b'
}
