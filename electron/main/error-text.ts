/** Returns an error's words, whatever was thrown. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : typeof error === 'string' ? error : 'an error without words'
}
