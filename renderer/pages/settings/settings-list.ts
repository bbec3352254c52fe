import type { HealthSettings } from '../../../electron/shared/api/health.ts'
import type { TelemetrySettings } from '../../../electron/shared/api/telemetry.ts'

/** Every setting of the service, with what it does and what it is when nobody has decided. */

export const settingSections = ['Hosts', 'Health', 'Telemetry', 'Elsewhere'] as const
export type SettingSection = (typeof settingSections)[number]

/** What the settings page has read. */
export interface SettingsRead {
  readonly health: HealthSettings
  readonly telemetry: TelemetrySettings
  readonly anchors: readonly string[]
}

/** How a value is asked for. */
export type SettingControl =
  | { readonly kind: 'switch' }
  | {
      readonly kind: 'number'
      readonly least: number
      readonly most: number
      readonly unit: string
      readonly factor?: number
    }
  | {
      readonly kind: 'choice'
      readonly choices: readonly { readonly value: string; readonly label: string }[]
    }
  | { readonly kind: 'text' }
  | { readonly kind: 'list'; readonly placeholder: string }
  | { readonly kind: 'link'; readonly to: string; readonly words: string }

export type SettingValue = boolean | number | string | readonly string[] | null

/** A setting; those elsewhere have a page of their own, since they are lists of many parts. */
export interface SettingEntry {
  readonly id: string
  readonly section: SettingSection
  readonly label: string
  readonly text: string
  readonly usual: SettingValue
  readonly control: SettingControl
  read(all: SettingsRead): SettingValue
  /** What is sent, and where, to change it. */
  change(
    value: SettingValue,
    all: SettingsRead,
  ): { readonly method: 'PATCH' | 'PUT'; readonly path: string; readonly body: unknown }
}

const health = <Key extends keyof HealthSettings>(
  key: Key,
  rest: Pick<SettingEntry, 'label' | 'text' | 'usual' | 'control'>,
): SettingEntry => ({
  id: `health-${key}`,
  section: 'Health',
  ...rest,
  read: ({ health: settings }) => settings[key] as SettingValue,
  change: (value) => ({ method: 'PATCH', path: 'health/settings', body: { [key]: value } }),
})

const telemetry = (
  path: string,
  rest: Pick<SettingEntry, 'label' | 'text' | 'usual' | 'control'>,
): SettingEntry => {
  const [first = '', second] = path.split('.')
  return {
    id: `telemetry-${path.replace('.', '-')}`,
    section: 'Telemetry',
    ...rest,
    read: ({ telemetry: settings }) => {
      const outer = settings[first as keyof TelemetrySettings] as unknown
      return (
        second === undefined ? outer : (outer as Readonly<Record<string, unknown>>)[second]
      ) as SettingValue
    },
    change: (value, { telemetry: settings }) => ({
      method: 'PATCH',
      path: 'telemetry/settings',
      body:
        second === undefined
          ? { [first]: value }
          : // Retention is one whole, so that its parts always fit each other.
            {
              [first]:
                first === 'retention' ? { ...settings.retention, [second]: value } : { [second]: value },
            },
    }),
  }
}

const link = (id: string, label: string, text: string, to: string, words: string): SettingEntry => ({
  id,
  section: 'Elsewhere',
  label,
  text,
  usual: null,
  control: { kind: 'link', to, words },
  read: () => null,
  change: () => ({ method: 'PUT', path: '', body: null }),
})

const onOff = { kind: 'switch' } as const
const number = (least: number, most: number, unit: string, factor = 1): SettingControl => ({
  kind: 'number',
  least,
  most,
  unit,
  factor,
})

export const settingsList: readonly SettingEntry[] = [
  {
    id: 'hosts-anchors',
    section: 'Hosts',
    label: 'Anchors',
    text: 'Addresses beyond the gateway that always answer. When nothing else does, they tell whether this machine itself is offline.',
    usual: ['1.1.1.1', '8.8.8.8', '9.9.9.9'],
    control: { kind: 'list', placeholder: '1.1.1.1' },
    read: ({ anchors }) => anchors,
    change: (value) => ({ method: 'PUT', path: 'hosts/anchors', body: { anchors: value } }),
  },
  health('enabled', {
    label: 'Look after this machine',
    text: 'Makes reports of processor, memory, disks, network, hardware, services and clock.',
    usual: true,
    control: onOff,
  }),
  health('intervalS', {
    label: 'A report every',
    text: 'Seconds between two reports of this machine.',
    usual: 10,
    control: number(1, 3_600, 's'),
  }),
  health('notifyFrom', {
    label: 'Tell of levels from',
    text: 'The mildest level of health that you are told of.',
    usual: 'warning',
    control: {
      kind: 'choice',
      choices: [
        { value: 'careful', label: 'careful' },
        { value: 'warning', label: 'warning' },
        { value: 'critical', label: 'critical' },
        { value: 'never', label: 'never' },
      ],
    },
  }),
  health('spareBytes', {
    label: 'A disk with this much room is never full',
    text: 'However full it is in per cent, a disk with more room than this has no level.',
    usual: 20_000_000_000,
    control: number(0, 1_000_000, 'GB', 1e9),
  }),
  health('services', {
    label: 'Services that must run',
    text: 'Units of systemd, services of Windows or labels of launchd; one that does not run is told of.',
    usual: [],
    control: { kind: 'list', placeholder: 'nginx.service' },
  }),
  health('asksDrives', {
    label: 'Ask drives for their health',
    text: 'By smartctl, where it is there, every six hours.',
    usual: true,
    control: onOff,
  }),
  health('nodeNames', {
    label: 'node_exporter’s names in /metrics',
    text: 'Figures that mean the same are told under its names as well.',
    usual: true,
    control: onOff,
  }),
  health('plugIns', {
    label: 'Run health plug-ins',
    text: 'Programs in the folder health-plugins beside the database.',
    usual: true,
    control: onOff,
  }),
  health('plugInEveryS', {
    label: 'Plug-ins every',
    text: 'Seconds between two runs of a plug-in.',
    usual: 60,
    control: number(5, 86_400, 's'),
  }),
  health('plugInLimitS', {
    label: 'Longest run of a plug-in',
    text: 'One that takes longer is ended.',
    usual: 10,
    control: number(1, 300, 's'),
  }),
  health('plugInMegabytes', {
    label: 'Most memory of a plug-in',
    text: 'One that takes more is ended.',
    usual: 256,
    control: number(16, 4_096, 'MB'),
  }),
  telemetry('collect', {
    label: 'Take records of clients',
    text: 'Whether clients of telemetrics may deliver here.',
    usual: true,
    control: onOff,
  }),
  telemetry('tid', {
    label: 'Telemetry id',
    text: 'Clients must send it; all others are refused.',
    usual: '6907c830-eed9-4ce9-81ae-76daf8d88f0f',
    control: { kind: 'text' },
  }),
  telemetry('strict', {
    label: 'As strict as the original collector',
    text: 'Refuses architectures and kernel versions that it does not know.',
    usual: false,
    control: onOff,
  }),
  telemetry('quarantine', {
    label: 'Keep wrong records aside',
    text: 'Their clients get 200 and go on, instead of trying again for 20 hours.',
    usual: false,
    control: onOff,
  }),
  telemetry('stormLimit', {
    label: 'The same crash is stored this often an hour',
    text: 'More of one guilty frame, build and class are counted but not stored. 0 stores all.',
    usual: 50,
    control: number(0, 100_000, ''),
  }),
  telemetry('retention.enabled', {
    label: 'Let go of old records',
    text: 'Daily at 4:30, by age, size and the rules of telemetry.',
    usual: true,
    control: onOff,
  }),
  telemetry('retention.maxDays', {
    label: 'Keep records for',
    text: 'Days; greetings of clients have a rule of their own.',
    usual: 35,
    control: number(1, 3_650, 'd'),
  }),
  telemetry('retention.mostBytes', {
    label: 'Most room for records',
    text: 'Beyond it the oldest are let go of. 0 for no limit.',
    usual: 1_000_000_000,
    control: number(0, 1_000_000, 'GB', 1e9),
  }),
  telemetry('alerts.newGuilty', {
    label: 'Tell of a crash in a new place',
    text: 'A guilty frame that was never seen before.',
    usual: true,
    control: onOff,
  }),
  telemetry('alerts.back', {
    label: 'Tell of a crash that is back',
    text: 'One that was marked as fixed.',
    usual: true,
    control: onOff,
  }),
  telemetry('alerts.silentMachines', {
    label: 'Tell of machines that stop reporting',
    text: 'Only for fleets whose machines report all the time.',
    usual: false,
    control: onOff,
  }),
  telemetry('alerts.silentHours', {
    label: 'A machine is silent after',
    text: 'Hours without a record, of the time in which we looked.',
    usual: 48,
    control: number(1, 8_760, 'h'),
  }),
  telemetry('client.review', {
    label: 'Read before sending',
    text: 'What this machine reports of itself goes to another collector only after you let it go.',
    usual: true,
    control: onOff,
  }),
  link(
    'limits',
    'Limits of figures',
    'Careful, warning and critical for each figure of this machine, with how long they must last.',
    '/health/settings',
    'Health',
  ),
  link(
    'channels',
    'Channels and quiet hours',
    'Where notices go, each with a test, and when they wait.',
    '/notices?tab=channels',
    'Notices',
  ),
  link(
    'silences',
    'Mutes and maintenance',
    'What is kept from being told, once or again and again.',
    '/notices?tab=silences',
    'Notices',
  ),
  link(
    'rules',
    'Rules of retention',
    'How long records of one class, severity, build, machine or system are kept.',
    '/telemetry/settings',
    'Telemetry',
  ),
  link(
    'consent',
    'This machine’s own crashes',
    'Whether and where this machine reports what goes wrong on it. Nothing is read before you say yes.',
    '/telemetry/client',
    'Telemetry',
  ),
  link(
    'skip-list',
    'Frames that are never guilty',
    'Whom crashes are not blamed on, with a preview of each change.',
    '/telemetry/skip',
    'Telemetry',
  ),
  link('first-run', 'First run', 'The three questions of the beginning once more.', '/welcome', 'First run'),
]
