/** Addresses of PostgreSQL, apart from what connects to them. Pure. */

/** Returns true for an address that names a server and a database. */
export function isPostgresAddress(text: string): boolean {
  return /^postgres(?:ql)?:\/\/[^/\s]+\/[^/\s]+$/.test(text)
}

/** Returns an address without its password, for people to read. */
export function withoutPassword(address: string): string {
  return address.replace(/^(postgres(?:ql)?:\/\/[^:@/]*):[^@/]*@/, '$1:***@')
}
