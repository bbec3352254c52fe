import { readdirSync, readFileSync } from 'node:fs'

/** All processes that came of one program, also those that left its group, its session and their parents. Linux only. */
export interface Family {
  /** Says who began it, as soon as that is known. */
  begin(pid: number): void
  /** Returns the memory of all of them (bytes), and how many they are. */
  measure(): { readonly bytes: number; readonly count: number }
  /** Ends all of them. */
  end(): void
}

/** A variable by which the processes of one run are known: children inherit it, whatever else they leave behind. */
export const markName = 'WATCHKEEPER_PLUG_IN_RUN'

/** One that starts others while it is ended is looked for again, so often at most. */
const mostRounds = 5

/** Returns the family of a program that is about to be started with `mark` as the value of its variable. */
export function createFamily(mark: string, pageBytes: number): Family {
  // Whatever runs already is none of them, and is never looked at.
  const strangers = new Set(processes())
  const words = `${markName}=${mark}`
  /** When each began: its number may be another's later. */
  const members = new Map<string, string>()
  let leader = ''

  const find = (): { readonly pid: string; readonly bytes: number }[] => {
    const found: { readonly pid: string; readonly bytes: number }[] = []
    for (const pid of processes()) {
      if (strangers.has(pid)) continue
      const fields = statOf(pid)
      if (fields === null || fields.isGone) continue
      const isKnown = members.get(pid) === fields.started || [fields.group, fields.session].includes(leader)
      if (!isKnown) {
        const environment = readOrEmpty(`/proc/${pid}/environ`)
        // One that is just being replaced by another program shows none yet, and is asked again.
        if (environment === '') continue
        if (!environment.split('\0').includes(words)) {
          strangers.add(pid)
          continue
        }
      }
      members.set(pid, fields.started)
      found.push({ pid, bytes: fields.pages * pageBytes })
    }
    return found
  }

  return {
    begin(pid) {
      leader = String(pid)
    },
    measure() {
      const found = find()
      return { bytes: found.reduce((sum, { bytes }) => sum + bytes, 0), count: found.length }
    },
    end() {
      for (let round = 0; round < mostRounds; round += 1) {
        const found = find()
        if (found.length === 0) return
        for (const { pid } of found)
          try {
            process.kill(Number(pid), 'SIGKILL')
          } catch {
            // It ended meanwhile, or belongs to somebody else by now.
          }
      }
    },
  }
}

function processes(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  } catch {
    return []
  }
}

/** Reads what is needed of proc_pid_stat(5). */
function statOf(pid: string): {
  readonly isGone: boolean
  readonly started: string
  readonly group: string
  readonly session: string
  readonly pages: number
} | null {
  const text = readOrEmpty(`/proc/${pid}/stat`)
  const [state, , group, session, ...rest] = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const started = rest[15]
  if (started === undefined || group === undefined || session === undefined) return null
  return {
    isGone: state === 'Z' || state === 'X',
    started,
    group,
    session,
    pages: Math.max(0, Number(rest[17] ?? 0)),
  }
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
