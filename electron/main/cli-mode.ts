/** The command line inside the installed app: `watchkeeper` on a machine without Node. */

/** Argument by which the launchers in resources/bin ask for the command line. */
const cliArgument = '--cli'

/**
 * Returns the arguments for the command line; null when the app itself is meant. What follows `--` is not read by Chromium, so
 * that no argument of ours can change it.
 */
export function cliArguments(argv: readonly string[]): readonly string[] | null {
  const at = argv.indexOf(cliArgument)
  if (at < 0 || argv[at + 1] !== '--') return null
  return argv.slice(at + 2)
}

/** Runs the command line and returns its exit code. */
export async function runCommandLine(
  args: readonly string[],
  load: () => Promise<{ main(args: readonly string[]): Promise<number> }>,
): Promise<number> {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
  const { main } = await load()
  const code = await main(args)
  await Promise.all(
    [process.stdout, process.stderr].map(
      (stream) => new Promise<void>((resolve) => stream.write('', () => resolve())),
    ),
  )
  return code
}
