/** Says why tests of a file do not run on this machine. */
export function tellSkipped(words: string): void {
  process.stdout.write(`${words}\n`)
}
