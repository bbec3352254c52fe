import path from 'node:path'

/** Returns the program and first arguments by which this command line is started again. */
export function ownCommand(): readonly string[] {
  // The installed app is the command line as well.
  if (process.versions['electron'] !== undefined) return [process.execPath, '--cli', '--']
  return [process.execPath, path.resolve(process.argv[1] ?? '')]
}
