import type { StopEvidence, StopFact } from '../gap-rules.ts'

/** A line of `journalctl -o json`, as far as it is read. */
interface JournalEntry {
  readonly atMs: number
  readonly identifier: string
  readonly pid: string
  readonly message: string
}

interface Rule {
  readonly fact: StopFact
  /** Program that writes the line; any when left out. */
  readonly from?: RegExp
  /** Process id that writes it: a user's own systemd says the same words at every logout. */
  readonly pid?: string
  readonly message: RegExp
}

/**
 * Lines by which a Linux system tells why it stops. Sources: systemd-logind.c, the unit descriptions of systemd's special
 * targets (systemd.special(7)), kernel/panic.c, drivers/thermal, UPower's `up-daemon.c`, fs/ext4/super.c.
 */
const rules: readonly Rule[] = [
  { fact: 'panic', from: /^kernel$/, message: /^Kernel panic - not syncing/ },
  { fact: 'heat', message: /critical temperature reached/i },
  {
    fact: 'battery',
    message: /battery (?:is )?critically low|critical battery.*(?:power ?off|shut|hibernat)/i,
  },
  {
    fact: 'disk',
    from: /^kernel$/,
    message: /remounting filesystem read-only|critical medium error|I\/O error, dev/i,
  },
  { fact: 'update', message: /system-update(?:-pre)?\.target|packagekit-offline-update|dnf-system-upgrade/i },
  {
    fact: 'user-stop',
    from: /^systemd-logind$/,
    message: /^(?:Power key pressed|The system will (?:power off|reboot|halt))/i,
  },
  {
    fact: 'user-stop',
    from: /^sudo$/,
    message:
      /COMMAND=\S*(?:poweroff|reboot|halt|systemctl (?:poweroff|reboot|halt)|shutdown(?! (?:-c|--help)))\b/,
  },
  { fact: 'clean-stop', from: /^systemd-logind$/, message: /^System is (?:powering down|rebooting|halting)/ },
  {
    fact: 'clean-stop',
    from: /^systemd$/,
    pid: '1',
    message: /^Reached target .*(?:Power-?Off|Reboot|Halt|Shutdown)/i,
  },
  {
    fact: 'clean-stop',
    from: /^systemd-journald$/,
    message: /^Received SIGTERM from PID 1 \(systemd-shutdow/,
  },
  {
    fact: 'clean-stop',
    from: /^systemd-shutdown$/,
    pid: '1',
    message: /^(?:Sending SIGTERM|Syncing filesystems)/,
  },
]

/** A shutdown that was not over after this was called off, or was not the machine's. */
const longestShutdownMs = 10 * 60_000

/** How many pieces of evidence of one kind are kept: enough to see, too few to swamp. */
const mostPerFact = 3

/**
 * Returns what the journal of one boot says of its end. When lines were found but none tells of a shutdown, the time of the
 * last one is evidence that the system was cut off.
 */
export function evidenceFromJournal(text: string): StopEvidence[] {
  const entries = parseJournal(text)
  const last = entries[entries.length - 1]
  const found: StopEvidence[] = []
  for (const { atMs, identifier, pid, message } of entries) {
    const rule = rules.find(
      (candidate) =>
        (candidate.from?.test(identifier) ?? true) &&
        (candidate.pid === undefined || candidate.pid === pid) &&
        candidate.message.test(message),
    )
    if (!rule) continue
    if (rule.fact === 'clean-stop' && last && last.atMs - atMs > longestShutdownMs) continue
    const line = { source: 'journal', atMs, fact: rule.fact, text: `${identifier}: ${message}`.slice(0, 500) }
    const same = found.filter(({ fact }) => fact === rule.fact)
    if (same.length < mostPerFact) found.push(line)
    else found[found.lastIndexOf(same[same.length - 1] ?? line)] = line
  }
  if (last && !found.some(({ fact }) => fact === 'clean-stop')) {
    const words = `the journal ends without a shutdown; last line: ${last.identifier}: ${last.message}`
    found.push({ source: 'journal', atMs: last.atMs, fact: 'log-ends', text: words.slice(0, 500) })
  }
  return found
}

/** Returns what the journal daemon says, at the boot that came after, of the files it found. */
export function evidenceFromNextBoot(text: string): StopEvidence[] {
  return parseJournal(text)
    .filter(({ message }) => /corrupted or uncleanly shut down/.test(message))
    .slice(0, 1)
    .map(({ atMs, identifier, message }) => ({
      source: 'journal',
      atMs,
      fact: 'unclean-boot',
      text: `${identifier}: ${message}`.slice(0, 500),
    }))
}

function parseJournal(text: string): JournalEntry[] {
  return text.split('\n').flatMap((line): JournalEntry[] => {
    if (!line.startsWith('{')) return []
    try {
      const entry = JSON.parse(line) as Record<string, unknown>
      const micros = Number(entry['__REALTIME_TIMESTAMP'])
      if (!Number.isFinite(micros)) return []
      const identifier = entry['SYSLOG_IDENTIFIER'] ?? entry['_COMM'] ?? ''
      return [
        {
          atMs: Math.floor(micros / 1_000),
          pid: typeof entry['_PID'] === 'string' ? entry['_PID'] : '',
          identifier: typeof identifier === 'string' ? identifier : '',
          message: messageOf(entry['MESSAGE']),
        },
      ]
    } catch {
      return []
    }
  })
}

/** A message that is not UTF-8 is given as an array of bytes: https://systemd.io/JOURNAL_EXPORT_FORMATS/#journal-json-format */
function messageOf(value: unknown): string {
  if (Array.isArray(value)) return Buffer.from(value as number[]).toString('latin1')
  return typeof value === 'string' ? value : ''
}
