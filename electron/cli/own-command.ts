import path from 'node:path'

/** Returns the program and first arguments by which this command line is started again. */
export function ownCommand(env: NodeJS.ProcessEnv = process.env): readonly string[] {
  // The installed app is the command line as well; an AppImage runs from a folder that is gone when it ends.
  if (process.versions['electron'] !== undefined) return [env['APPIMAGE'] ?? process.execPath, '--cli', '--']
  return [process.execPath, path.resolve(process.argv[1] ?? '')]
}

/** Options of `serve` that name files. */
const fileOptions: ReadonlySet<string> = new Set([
  '-d',
  '--database',
  '-l',
  '--log',
  '--health-log',
  '--pidfile',
])

/** Returns options of `serve` with their files made absolute, since a daemon's folder is the root. */
export function absolutePaths(words: readonly string[]): string[] {
  return words.map((word, index) => {
    const [, name = '', value] = /^(--[a-z-]+)=(.*)$/.exec(word) ?? []
    if (value !== undefined && fileOptions.has(name)) return `${name}=${path.resolve(value)}`
    return fileOptions.has(words[index - 1] ?? '') ? path.resolve(word) : word
  })
}

/** Returns the files that options of `serve` name, by the option. */
export function filesAmong(words: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    absolutePaths(words).flatMap((word, index, all): [string, string][] => {
      const [, name = '', value] = /^(--[a-z-]+)=(.*)$/.exec(word) ?? []
      if (value !== undefined && fileOptions.has(name)) return [[name, value]]
      const option = all[index - 1] ?? ''
      return fileOptions.has(option) ? [[option, word]] : []
    }),
  )
}
