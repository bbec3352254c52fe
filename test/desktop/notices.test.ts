import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { hasProgram, privateBus } from '../support/private-bus.ts'

const missing =
  process.platform !== 'linux'
    ? ['Linux']
    : ['dbus-daemon', 'notify-send'].filter((program) => !hasProgram(program))
if (missing.length > 0)
  console.log(
    `desktop notices are not tested: ${missing.join(' and ')} missing (Debian: dbus-daemon, libnotify-bin)`,
  )

const daemon = fileURLToPath(new URL('../support/notification-daemon.ts', import.meta.url))
const sender = fileURLToPath(new URL('../support/send-notice.ts', import.meta.url))

/** Starts the notification service on a bus and returns what it is shown. */
async function notificationService(
  address: string,
): Promise<{ shown: Record<string, unknown>[]; child: ChildProcess }> {
  const child = spawn(process.execPath, [daemon], {
    env: { ...process.env, DBUS_SESSION_BUS_ADDRESS: address },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => {
    child.kill()
  })
  const shown: Record<string, unknown>[] = []
  await new Promise<void>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line === 'ready') resolve()
      else shown.push(JSON.parse(line) as Record<string, unknown>)
    })
  })
  return { shown, child }
}

function send(
  address: string,
  notice: { title: string; text: string; replaces: string; isUrgent: boolean },
): unknown {
  const out = execFileSync(process.execPath, [sender, JSON.stringify(notice)], {
    env: { ...process.env, DBUS_SESSION_BUS_ADDRESS: address },
    encoding: 'utf8',
  })
  return JSON.parse(out)
}

describe.skipIf(missing.length > 0)('a notice on the desktop', () => {
  it('arrives as it was written, whatever is in it', async () => {
    const address = await privateBus()
    const { shown } = await notificationService(address)
    const title = 'Late: $(touch /tmp/watchkeeper-pwned) `id` "quoted" \'single\' \\ %s'
    expect(
      send(address, {
        title,
        text: '<b>bold</b> & "more"\nsecond',
        replaces: 'watchkeeper-incident-7',
        isUrgent: true,
      }),
    ).toEqual({ sent: true })
    await expect.poll(() => shown.length).toBe(1)
    expect(shown[0]).toMatchObject({
      app: 'Watchkeeper',
      summary: title,
      body: '&lt;b&gt;bold&lt;/b&gt; &amp; "more"\nsecond',
      hints: { urgency: 2, 'x-canonical-private-synchronous': 'watchkeeper-incident-7' },
    })
  })
  it('beginning with a dash is no option', async () => {
    const address = await privateBus()
    const { shown } = await notificationService(address)
    expect(send(address, { title: '--help', text: '-u low', replaces: 'x', isUrgent: false })).toEqual({
      sent: true,
    })
    await expect.poll(() => shown.length).toBe(1)
    expect(shown[0]).toMatchObject({
      summary: expect.stringContaining('--help') as string,
      body: expect.stringContaining('-u low') as string,
    })
  })
  it('that no service takes is said to have failed, and why', async () => {
    const address = await privateBus()
    expect(send(address, { title: 'a', text: 'b', replaces: 'x', isUrgent: false })).toEqual({
      sent: false,
      reason: 'no notification service runs on this desktop',
    })
  })
  it('to a bus that is gone is said to have failed, and why', () => {
    expect(send('unix:path=/nowhere', { title: 'a', text: 'b', replaces: 'x', isUrgent: false })).toEqual({
      sent: false,
      reason: 'the desktop session cannot be reached',
    })
  })
})
