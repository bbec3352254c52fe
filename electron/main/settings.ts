import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Type, type Static } from 'typebox'
import { Check } from 'typebox/value'
import { Nullable } from '../shared/api/common.ts'
import { errorText } from './error-text.ts'

/** What the desktop app itself remembers; everything about what is watched is in the database. */
export const Settings = Type.Object({
  bounds: Nullable(
    Type.Object({
      x: Type.Integer(),
      y: Type.Integer(),
      width: Type.Integer({ minimum: 1 }),
      height: Type.Integer({ minimum: 1 }),
      isMaximised: Type.Boolean(),
    }),
  ),
  toldThatCloseHides: Type.Boolean(),
  toldThatNoTray: Type.Boolean(),
  askedToOpenAtLogin: Type.Boolean(),
  iconShown: Type.Boolean(),
  oneColour: Type.Boolean(),
  updateCheck: Type.Boolean(),
})
export type Settings = Static<typeof Settings>

const defaults: Settings = {
  bounds: null,
  toldThatCloseHides: false,
  toldThatNoTray: false,
  askedToOpenAtLogin: false,
  iconShown: true,
  oneColour: false,
  updateCheck: false,
}

/** Settings that are kept in a file. */
export interface SettingsFile {
  readonly value: Settings
  change(change: Partial<Settings>): void
}

/** Opens the settings in a folder; a file that is missing or damaged counts as new, and what cannot be kept is told to `log`. */
export function openSettings(folder: string, log: (line: string) => void): SettingsFile {
  const file = path.join(folder, 'shell.json')
  let value = read(file)
  return {
    get value() {
      return value
    },
    change(change) {
      value = { ...value, ...change }
      try {
        mkdirSync(folder, { recursive: true })
        writeFileSync(`${file}.partial`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 })
        renameSync(`${file}.partial`, file)
      } catch (error) {
        log(`the settings could not be kept: ${errorText(error)}`)
      }
    },
  }
}

function read(file: string): Settings {
  try {
    const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'))
    const merged: unknown = { ...defaults, ...(parsed as object) }
    return Check(Settings, merged) ? merged : defaults
  } catch {
    return defaults
  }
}
