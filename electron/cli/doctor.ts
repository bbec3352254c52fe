import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs'
import path from 'node:path'
import type { TelemetrySummary } from '../shared/api/telemetry.ts'
import { isoTime, wordDuration } from '../shared/time-text.ts'
import { systemClock } from '../service/clock.ts'
import { createPinger } from '../service/hosts/icmp/pinger.ts'
import { probingWords } from '../service/hosts/probing-words.ts'
import { readKey } from '../service/http/access.ts'
import { runProgram } from '../service/recorder/evidence/collect.ts'
import { readHistory } from '../service/recorder/history.ts'
import { clockFloorMs } from '../shared/clock-floor.ts'
import { systemTimeService } from '../service/recorder/time-service.ts'
import { asStoreError, StoreError } from '../service/store/errors.ts'
import { sideFiles } from '../service/store/location.ts'
import { isLocked, readServiceAddress } from '../service/store/lock.ts'
import { openReadOnly } from '../service/store/open.ts'
import { openRecordsReadOnly } from '../service/store/records/sqlite.ts'
import { listBackups } from '../service/store/repair.ts'
import { version } from '../service/version.ts'
import { CommandError } from './io.ts'
import { presentOf, requireFlights } from './reading.ts'

/** Something that was looked at. `fix` says what to do about it. */
export interface Finding {
  readonly level: 'ok' | 'hint' | 'fault'
  readonly what: string
  readonly fix: string | null
}

const ok = (what: string): Finding => ({ level: 'ok', what, fix: null })
const hint = (what: string, fix: string): Finding => ({ level: 'hint', what, fix })
const fault = (what: string, fix: string): Finding => ({ level: 'fault', what, fix })

/** Below this, in bytes, the recorder will soon be unable to write. */
const littleSpace = 100 * 1024 * 1024
/** A daily backup that is older than this was missed. */
const oldBackupMs = 2 * 24 * 3_600_000

/** Looks for the usual faults of an installation. Changes nothing. */
export async function examine(database: string): Promise<Finding[]> {
  return [
    ok(`Watchkeeper ${version} on Node ${process.versions.node}, ${process.platform} ${process.arch}`),
    ...examineFolder(database),
    ...examineDatabase(database),
    ...(await examineService(database)),
    ...(await examineTelemetry(database)),
    ...(await examineProbing()),
    ...(await examineClock()),
    ...(await examineEvidence()),
  ]
}

function examineFolder(database: string): Finding[] {
  const folder = path.dirname(database)
  if (!existsSync(folder))
    return [hint(`${folder} does not exist yet`, 'start the service: `watchkeeper serve` makes it')]
  const findings: Finding[] = []
  try {
    accessSync(folder, constants.W_OK)
    findings.push(ok(`${folder} can be written to`))
  } catch {
    findings.push(
      fault(
        `${folder} cannot be written to by this user`,
        'run as the user that owns it, or choose another file with -d',
      ),
    )
  }
  const { bavail, bsize, type } = statfsSync(folder)
  const free = bavail * bsize
  const words = `${Math.round(free / 1_048_576)} MB free on its disk`
  findings.push(free < littleSpace ? fault(words, 'make room: stamps fail when the disk is full') : ok(words))
  if (process.platform === 'linux' && type === tmpfsMagic) {
    findings.push(
      fault(`${folder} is in memory and is lost at every boot`, 'choose a file on a disk with -d'),
    )
  }
  return findings
}

/** TMPFS_MAGIC of statfs(2). */
const tmpfsMagic = 0x01021994

const restoreFix = 'restart the service: it moves the file aside and restores the newest whole backup'

function examineDatabase(database: string): Finding[] {
  if (!existsSync(database))
    return [hint(`${database} does not exist yet`, 'start the service: `watchkeeper serve` makes it')]
  try {
    const db = openReadOnly(database)
    try {
      const damage = String(db.pragma('quick_check(1)', { simple: true }))
      if (damage !== 'ok')
        return [fault(`the database is damaged: ${damage.replace(/\s+/g, ' ')}`, restoreFix)]
      requireFlights(db, database)
      const { timeline, hints } = readHistory(db, presentOf(systemClock()))
      const first =
        timeline.firstMs === null ? 'nothing recorded yet' : `records since ${isoTime(timeline.firstMs)}`
      return [
        ok('the database is whole (quick_check)'),
        ok(`${database}: ${timeline.witnesses.length} flights, ${first}`),
        ...hints.map((text) => hint(text, 'keep the clock by NTP; nothing is lost meanwhile')),
        ...tryExamine(() => examineBackups(database)),
        ...examineKey(database),
      ]
    } finally {
      db.close()
    }
  } catch (error) {
    const failure =
      error instanceof CommandError
        ? new StoreError('wrong-shape', error.message)
        : asStoreError(error, database)
    const fixes: Partial<Record<StoreError['kind'], string>> = {
      corrupt: restoreFix,
      'not-a-database': 'name the right file with -d',
      newer: 'update Watchkeeper',
      'wrong-shape': 'name the right file with -d',
    }
    return [fault(failure.message, fixes[failure.kind] ?? "check the file's owner and mode")]
  }
}

/** What this user may not look at is no fault of the installation. */
function tryExamine(look: () => Finding[]): Finding[] {
  try {
    return look()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return [hint(`this could not be looked at: ${reason}`, 'run doctor as the user of the service')]
  }
}

function examineBackups(database: string): Finding[] {
  const [newest] = listBackups(database, systemClock().read().wallMs)
  if (newest === undefined) return [hint('there is no backup yet', 'the service makes one a day by itself')]
  const ageMs = systemClock().read().wallMs - statSync(newest).mtimeMs
  const words = `the newest backup is ${wordDuration(Math.max(0, ageMs))} old`
  return [ageMs > oldBackupMs ? hint(words, 'let the service run: it makes one a day') : ok(words)]
}

function examineKey(database: string): Finding[] {
  const { key: file } = sideFiles(database)
  if (!existsSync(file))
    return [hint('there is no access key yet', 'the service makes one at its first start')]
  if (readKey(file) === null)
    return [
      fault(
        `${file} cannot be read by this user or is not a key`,
        'run as the user of the service, or remove it and restart',
      ),
    ]
  const isOpen = process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0
  return [
    isOpen
      ? fault(`${file} can be read by others`, `chmod 600 ${file}`)
      : ok('the access key is readable by its owner alone'),
  ]
}

async function examineService(database: string): Promise<Finding[]> {
  if (!isLocked(database)) return [hint('no service runs on this database', 'start it: `watchkeeper serve`')]
  const address = readServiceAddress(database)
  if (address === null) return [hint('the service is just starting or stopping', 'look again in a moment')]
  try {
    const response = await fetch(`${address.origin}/healthz`, { signal: AbortSignal.timeout(5_000) })
    if (response.ok) return [ok(`the service runs at ${address.origin} (process ${address.pid}) and records`)]
    return [
      fault(
        `the service at ${address.origin} cannot write its stamps`,
        'its log says why; often the disk is full',
      ),
    ]
  } catch {
    return [
      fault(
        `the service at ${address.origin} does not answer`,
        `look at its log; process ${address.pid} may hang`,
      ),
    ]
  }
}

/** The store of telemetry records: the running service knows best, else its file is looked at. */
async function examineTelemetry(database: string): Promise<Finding[]> {
  const address = isLocked(database) ? readServiceAddress(database) : null
  if (address !== null) {
    const key = readKey(sideFiles(database).key)
    try {
      const response = await fetch(`${address.origin}/api/v1/telemetry`, {
        headers: key === null ? {} : { 'x-api-key': key },
        signal: AbortSignal.timeout(5_000),
      })
      if (!response.ok)
        return [
          hint('the state of telemetry is not shown to this user', 'run doctor as the user of the service'),
        ]
      const { state, reason, records, place } = (await response.json()) as TelemetrySummary
      return state === 'ready'
        ? [ok(`${records ?? 0} telemetry records in ${place}`)]
        : [
            fault(
              `telemetry records are not available: ${reason ?? ''}`,
              'clients keep theirs meanwhile; mend the store, it is tried again every ten seconds',
            ),
          ]
    } catch {
      return []
    }
  }
  const { records } = sideFiles(database)
  if (!existsSync(records)) return []
  return tryExamine(() => {
    try {
      const db = openRecordsReadOnly(records)
      try {
        const damage = String(db.pragma('quick_check(1)', { simple: true }))
        if (damage === 'ok') return [ok(`${records} is whole (quick_check)`)]
        return [recordsFault(records, damage)]
      } finally {
        db.close()
      }
    } catch (error) {
      return [recordsFault(records, error instanceof Error ? error.message : String(error))]
    }
  })
}

function recordsFault(file: string, damage: string): Finding {
  return fault(
    `${file} is damaged: ${damage.replace(/\s+/g, ' ')}`,
    'start the service: it moves the file aside and begins a new one; the rest is not touched',
  )
}

/** By which way this user can send echoes. */
async function examineProbing(): Promise<Finding[]> {
  const pinger = createPinger(systemClock())
  const chosen = await pinger.way(4)
  await pinger.stop()
  const { words, why, fix } = probingWords(chosen)
  if (chosen.way === 'none')
    return [fault(`hosts cannot be pinged: ${why.join('; ')}`, fix ?? 'probe them by TCP or HTTP')]
  const text = `hosts are pinged by ${words}`
  const isGood = chosen.way === 'datagram' || chosen.way === 'raw' || chosen.way === 'windows'
  return [isGood ? ok(text) : hint(`${text}, since ${why.join('; ')}`, fix ?? 'nothing to do')]
}

async function examineClock(): Promise<Finding[]> {
  const clock = systemClock()
  const { wallMs, bootMs } = clock.read()
  const findings: Finding[] = []
  if (wallMs < clockFloorMs)
    findings.push(
      fault(
        `the clock says ${isoTime(wallMs)}, which is long past`,
        'set the clock, or let NTP do it; flights are placed right afterwards',
      ),
    )
  const service = systemTimeService()
  await service.refresh()
  const isSynchronised = service.isSynchronised()
  if (isSynchronised === true) findings.push(ok('the clock is synchronised'))
  else if (isSynchronised === false)
    findings.push(hint('the clock is not synchronised', 'turn on NTP: `timedatectl set-ntp true`'))
  else findings.push(ok('this system does not tell whether its clock is synchronised'))
  if (clock.bootId === null || bootMs === null) {
    findings.push(hint('this system names its boots badly, so some gaps stay unknown', 'nothing to do'))
  }
  return findings
}

async function examineEvidence(): Promise<Finding[]> {
  if (process.platform !== 'linux') return []
  const boots = await runProgram('journalctl', ['--list-boots', '-o', 'json', '--no-pager', '-q'])
  const count = (boots.match(/"boot_id"/g) ?? []).length
  if (count > 1) return [ok(`the journal of ${count} boots can be read, to tell why the machine stopped`)]
  return [
    hint(
      'the journal of earlier boots cannot be read, so the cause of a stop is often unknown',
      'make it persistent (`mkdir -p /var/log/journal`) and add this user to the group systemd-journal',
    ),
  ]
}
