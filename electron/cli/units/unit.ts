/** What a system needs to know to run the service. */
export interface UnitParts {
  /** The program with its arguments, the database among them. */
  readonly command: readonly string[]
  readonly database: string
  /** Files that the options of `serve` name, by the option. */
  readonly files: ReadonlyMap<string, string>
  /** Folders of the database and of these files that are not there. */
  readonly missingFolders: readonly string[]
  /** Whether an ordinary program of this user may send echoes; where not, `ping` does it with rights of its own. */
  readonly mayEcho: boolean
  readonly scope: 'user' | 'system'
  /** Who runs it, for a service of the whole system; null for whoever installs it. */
  readonly user: string | null
  readonly home: string
}

/** A service as a system's service manager knows it. */
export interface Unit {
  /** Where its file lies; null where the manager keeps it itself. */
  readonly file: string
  readonly text: string
  /** Programs that take it into use, in order. */
  readonly install: readonly (readonly string[])[]
  /** Programs that end one that was installed before; they may fail. */
  readonly replace: readonly (readonly string[])[]
  readonly remove: readonly (readonly string[])[]
}
