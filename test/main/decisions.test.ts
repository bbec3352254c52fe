import { describe, expect, it } from 'vitest'
import { callsOf } from '../../electron/main/actions.ts'
import { autostartEntry, isHidden } from '../../electron/main/autostart.ts'
import { mayCall } from '../../electron/main/bridge.ts'
import { cliArguments } from '../../electron/main/cli-mode.ts'
import { trayIconFile } from '../../electron/main/icons.ts'
import { failureWords, optionsOf } from '../../electron/main/notices.ts'
import { nextQuit, quitEvents, quitQuestion, quitStates } from '../../electron/main/quit.ts'
import {
  isAllowedLink,
  isOwnPage,
  pageOrigin,
  statusOrigin,
  webPreferences,
  windowPreferences,
} from '../../electron/main/security.ts'
import { answered, endWords, heartbeatMs, planRestart, tick } from '../../electron/main/supervision.ts'
import { panelBounds, windowBounds } from '../../electron/main/window-rules.ts'
import { fragmentOf } from '../../electron/main/window.ts'

describe('a service that crashed', () => {
  it.each([
    [[], { kind: 'restart', delayMs: 250 }],
    [[0], { kind: 'restart', delayMs: 250 }],
    [[0, 0], { kind: 'restart', delayMs: 500 }],
    [[0, 0, 0, 0], { kind: 'restart', delayMs: 2_000 }],
    [[0, 0, 0, 0, 0], { kind: 'give-up', retryMs: 3_600_000 }],
    [[-300_001, 0, 0, 0, 0], { kind: 'restart', delayMs: 2_000 }],
  ])('at %j is followed by %j', (crashes, plan) => {
    expect(planRestart(crashes, 0)).toEqual(plan)
  })

  it.each([
    [1, 'exit code 1'],
    [9, 'exit code 9, SIGKILL'],
    [139, 'exit code 139, SIGSEGV'],
    [null, 'it was ended from outside'],
  ])('with code %s is described as %s', (code, words) => {
    expect(endWords(code)).toBe(words)
  })
})

describe('the heartbeat', () => {
  const pulses = (count: number, gapMs = heartbeatMs): string[] => {
    let beat = { missed: 0, lastTickMs: 0 }
    return Array.from({ length: count }, (_, n) => {
      const next = tick(beat, (n + 1) * gapMs)
      beat = next.beat
      return next.pulse
    })
  }

  it('doubts first and ends later', () => {
    expect(pulses(3)).toEqual(['well', 'well', 'silent'])
    expect(pulses(13).slice(-2)).toEqual(['silent', 'dead'])
  })

  it('begins anew with an answer', () => {
    expect(tick(answered({ missed: 12, lastTickMs: 0 }), heartbeatMs).pulse).toBe('well')
  })

  it('blames nobody when this process itself did not run', () => {
    expect(pulses(20, heartbeatMs * 3).every((pulse) => pulse === 'well')).toBe(true)
  })
})

describe('the end of the app', () => {
  it('is reached by no event but the end of the service', () => {
    for (const state of quitStates)
      for (const event of quitEvents) {
        const next = nextQuit(state, event)
        expect(quitStates).toContain(next.state)
        if (next.effect === 'leave') expect([state, event]).toEqual(['stopping', 'service-gone'])
        // A stop that has begun is finished.
        if (state === 'stopping') expect(['stopping', 'gone']).toContain(next.state)
        if (state === 'gone') expect(next).toEqual({ state: 'gone', effect: 'none' })
      }
  })

  it.each([
    ['running', 'asked', 'asking', 'ask'],
    ['asking', 'asked', 'asking', 'none'],
    ['asking', 'answered-stay', 'running', 'none'],
    ['asking', 'answered-hide', 'running', 'hide'],
    ['asking', 'answered-stop', 'stopping', 'stop'],
    ['asking', 'system', 'stopping', 'stop'],
    ['running', 'system', 'stopping', 'stop'],
    ['stopping', 'answered-stay', 'stopping', 'none'],
    ['stopping', 'system', 'stopping', 'none'],
  ] as const)('%s, %s → %s (%s)', (state, event, next, effect) => {
    expect(nextQuit(state, event)).toEqual({ state: next, effect })
  })

  it('offers to go on watching first, and nothing else to stop when another service watches', () => {
    expect(quitQuestion('here').events[0]).toBe('answered-hide')
    expect(quitQuestion('elsewhere').events).toEqual(['answered-stop', 'answered-stay'])
    expect(quitQuestion('nobody').detail).toContain('Nothing is being watched now')
  })
})

describe('what pages may do', () => {
  const origin = 'http://127.0.0.1:8737'

  it.each([
    [`${origin}/`, true],
    [`${origin}/#/hosts`, true],
    [`${statusOrigin}/`, true],
    ['http://127.0.0.1:8738/', false],
    ['http://localhost:8737/', false],
    [`http://user@127.0.0.1:8737/`, false],
    ['https://127.0.0.1:8737/', false],
    ['watchkeeper-shell://other/', false],
    ['file:///etc/passwd', false],
    ['data:text/html,x', false],
    ['javascript:alert(1)', false],
    ['not an address', false],
  ])('go to %s: %s', (url, isAllowed) => {
    expect(isOwnPage(url, origin)).toBe(isAllowed)
  })

  it('go nowhere but to the status page while there is no service', () => {
    expect(isOwnPage(`${origin}/`, null)).toBe(false)
    expect(isOwnPage(`${statusOrigin}/`, null)).toBe(true)
    expect(pageOrigin(`${statusOrigin}/x`)).toBe(statusOrigin)
  })

  const allowed = ['https://example.org/docs']
  it.each([
    ['https://example.org/docs', true],
    ['https://example.org/docs/page', true],
    ['https://example.org/docsandmore', false],
    ['https://example.org/', false],
    ['http://example.org/docs', false],
    ['https://example.org:444/docs', false],
    ['https://example.org.evil.net/docs', false],
    ['https://a@example.org/docs', false],
    ['file:///docs', false],
  ])('open %s outside: %s', (url, isOpened) => {
    expect(isAllowedLink(url, allowed)).toBe(isOpened)
    expect(isAllowedLink(url)).toBe(false)
  })

  it('ask the shell only from the main frame of its own windows, on the right page', () => {
    const sender = { isOurs: true, isMainFrame: true, url: `${origin}/#/about` }
    expect(mayCall('accessKey', sender, origin)).toBe(true)
    expect(mayCall('accessKey', { ...sender, isOurs: false }, origin)).toBe(false)
    expect(mayCall('accessKey', { ...sender, isMainFrame: false }, origin)).toBe(false)
    expect(mayCall('accessKey', { ...sender, url: null }, origin)).toBe(false)
    expect(mayCall('accessKey', { ...sender, url: 'http://127.0.0.1:9/' }, origin)).toBe(false)
    expect(mayCall('accessKey', sender, null)).toBe(false)
    const status = { ...sender, url: `${statusOrigin}/` }
    expect(mayCall('accessKey', status, origin)).toBe(false)
    expect(mayCall('change', status, origin)).toBe(false)
    expect(mayCall('retry', status, origin)).toBe(true)
    expect(mayCall('quit', status, null)).toBe(true)
  })

  it('have none of the powers that the checklist warns of', () => {
    expect(windowPreferences('/p.cjs')).toEqual({ ...webPreferences, preload: '/p.cjs' })
    expect(webPreferences).toMatchObject({
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      contextIsolation: true,
      sandbox: true,
      webSecurity: true,
      allowRunningInsecureContent: false,
      experimentalFeatures: false,
      webviewTag: false,
    })
    expect(webPreferences).not.toHaveProperty('enableBlinkFeatures')
  })
})

describe('windows', () => {
  const screen = { x: 0, y: 0, width: 1920, height: 1040 }
  const kept = { x: 100, y: 50, width: 900, height: 700, isMaximised: false }

  it.each([
    ['the first time', null, [screen], { width: 1180, height: 780 }],
    ['a small screen', null, [{ ...screen, width: 800, height: 500 }], { width: 800, height: 500 }],
    ['as it was', kept, [screen], { x: 100, y: 50, width: 900, height: 700 }],
    ['on a screen that is gone', { ...kept, x: 4000 }, [screen], { width: 900, height: 700 }],
    ['above the screen', { ...kept, y: -60 }, [screen], { width: 900, height: 700 }],
    ['mostly outside', { ...kept, x: 1_880 }, [screen], { width: 900, height: 700 }],
    [
      'larger than the screen is now',
      { ...kept, width: 3_000 },
      [screen],
      { x: 100, y: 50, width: 1_920, height: 700 },
    ],
    ['without any screen', kept, [], { width: 900, height: 700 }],
  ])('open %s', (_, bounds, screens, expected) => {
    expect(windowBounds(bounds, screens)).toEqual(expected)
  })

  it.each([
    ['a bar below', { x: 1_700, y: 1_050, width: 24, height: 24 }, { x: 1_522, y: 520 }],
    ['a bar above', { x: 1_000, y: 0, width: 24, height: 24 }, { x: 822, y: 24 }],
    ['a bar at the left', { x: 0, y: 900, width: 24, height: 24 }, { x: 0, y: 380 }],
  ])('put the panel beside the icon of %s', (_, icon, place) => {
    expect(panelBounds(icon, screen)).toEqual({ ...place, width: 380, height: 520 })
  })

  it.each([
    ['http://127.0.0.1:1/#/hosts/3?last=1d', '/hosts/3'],
    ['http://127.0.0.1:1/', '/'],
    ['nonsense', '/'],
  ])('know the path of %s', (url, path) => {
    expect(fragmentOf(url)).toBe(path)
  })
})

describe('what the menu asks of the service', () => {
  const nowMs = Date.UTC(2026, 10, 21, 12)

  it.each([
    [{ do: 'mute', hours: 4 } as const, [{ method: 'POST', path: 'mutes', body: { hours: 4 } }]],
    [
      { do: 'mute', hours: 'tomorrow' } as const,
      [{ method: 'POST', path: 'mutes', body: { until: 'tomorrow' } }],
    ],
    [
      { do: 'unmute', ids: [3, 4] } as const,
      [
        { method: 'DELETE', path: 'mutes/3' },
        { method: 'DELETE', path: 'mutes/4' },
      ],
    ],
    [
      { do: 'pause', hours: 1 } as const,
      [
        {
          method: 'POST',
          path: 'maintenance',
          body: {
            name: 'Paused from the tray',
            begin: '2026-11-21T12:00:00.000Z',
            end: '2026-11-21T13:00:00.000Z',
          },
        },
      ],
    ],
    [{ do: 'resume', ids: [9] } as const, [{ method: 'DELETE', path: 'maintenance/9' }]],
    [{ do: 'check' } as const, [{ method: 'POST', path: 'hosts/check' }]],
  ])('by %j is %j', (action, calls) => {
    expect(callsOf(action, null, nowMs)).toEqual(calls)
  })

  it('for a pause until tomorrow ends at eight', () => {
    const [call] = callsOf({ do: 'pause', hours: 'tomorrow' }, null, nowMs)
    expect(call?.body).toMatchObject({ end: new Date(2026, 10, 22, 8).toISOString() })
  })
})

describe('notices', () => {
  const notice = {
    title: 'Down: <nas>',
    text: 'a & b',
    replaces: 'watchkeeper-incident-3',
    isUrgent: true,
    path: '/',
  }

  it('are silent everywhere, stay only for problems, and carry what replaces them where that works', () => {
    expect(optionsOf(notice, 'linux')).toEqual({
      title: 'Down: <nas>',
      body: 'a &amp; b',
      silent: true,
      urgency: 'critical',
      timeoutType: 'never',
    })
    expect(optionsOf(notice, 'win32')).toMatchObject({ id: 'watchkeeper-incident-3', timeoutType: 'never' })
    expect(optionsOf(notice, 'darwin')).toEqual({
      title: 'Down: <nas>',
      body: 'a & b',
      silent: true,
      id: 'watchkeeper-incident-3',
    })
    expect(optionsOf({ ...notice, isUrgent: false }, 'win32')).not.toHaveProperty('timeoutType')
  })

  it.each([
    ['darwin', /must be signed.*System Settings/],
    ['win32', /Start-menu entry/],
    ['linux', /the desktop refused the notice: no reason given/],
  ] as const)('that fail on %s name what helps', (platform, words) => {
    expect(failureWords('', platform)).toMatch(words)
  })
})

describe('opening at login on Linux', () => {
  it('quotes any path as the specification asks', () => {
    expect(autostartEntry('/opt/My "App" 100%/w$x\\y')).toContain(
      'Exec="/opt/My \\\\"App\\\\" 100%%/w\\\\$x\\\\\\\\y" --hidden\n',
    )
  })

  it.each([
    ['Hidden=true', true],
    ['Hidden = true ', true],
    ['X-GNOME-Autostart-enabled=false', true],
    ['Hidden=false', false],
    ['X-GNOME-Autostart-enabled=true', false],
  ])('respects %s: %s', (line, hidden) => {
    expect(isHidden(`[Desktop Entry]\n${line}\n`)).toBe(hidden)
  })
})

describe('the rest', () => {
  it.each([
    [
      ['/app', '--cli', '--', 'status', '--json'],
      ['status', '--json'],
    ],
    [['/app', '--cli', '--'], []],
    [['/app', '--cli', 'status'], null],
    [['/app', '--hidden'], null],
  ])('takes the command line from %j as %j', (argv, args) => {
    expect(cliArguments(argv)).toEqual(args)
  })

  it.each([
    ['linux', 'up.png'],
    ['win32', 'up.ico'],
    ['darwin', 'upTemplate.png'],
  ] as const)('takes the icon of %s from %s', (platform, file) => {
    expect(trayIconFile('/icons', 'up', platform)).toBe(`/icons/tray/${file}`)
  })
})
