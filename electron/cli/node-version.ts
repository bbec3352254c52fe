/**
 * Returns what is wrong with a Node version, in one line, or null. better-sqlite3 13 needs Node-API 10
 * (https://nodejs.org/api/n-api.html#node-api-version-matrix) and crashes without a word where it is missing.
 */
export function checkNode(nodeVersion: string): string | null {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number)
  if (major > 22 || (major === 22 && minor >= 14)) return null
  return `watchkeeper: Node 22.14 or newer is needed; this is Node ${nodeVersion}`
}
