// Which folder may import which: the table of ARCHITECTURE.md as rules. test/build/import-rules.test.ts tests them.
const rooms = 'recorder|hosts|watchers|telemetry|health'

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'shared-imports-nothing-of-ours',
      comment: 'shared is the contract: no Node, no DOM, no Electron, nothing of the rest',
      severity: 'error',
      from: { path: '^electron/shared/' },
      to: { pathNot: '^electron/shared/|node_modules/typebox/' },
    },
    {
      name: 'rooms-do-not-import-each-other',
      severity: 'error',
      from: { path: `^electron/service/(${rooms})/` },
      to: { path: `^electron/service/(${rooms})/`, pathNot: '^electron/service/$1/' },
    },
    {
      name: 'rooms-see-only-their-context',
      comment: 'a room imports the store, shared, and what its context is made of',
      severity: 'error',
      from: { path: `^electron/service/(${rooms})/` },
      to: {
        path: '^electron/|^renderer/',
        pathNot: `^electron/shared/|^electron/service/(${rooms}|store|schedules|system)/|^electron/service/(context|clock|log|problem)\\.ts$`,
      },
    },
    {
      name: 'store-knows-no-rooms',
      severity: 'error',
      from: { path: '^electron/service/store/' },
      to: {
        path: '^electron/|^renderer/',
        pathNot: '^electron/service/store/|^electron/shared/|^electron/service/(clock|problem)\\.ts$',
      },
    },
    {
      name: 'http-and-alerts-see-rooms-through-the-context',
      severity: 'error',
      from: { path: '^electron/service/(http|alerts)/' },
      to: { path: `^electron/service/(${rooms})/` },
    },
    {
      name: 'only-the-store-opens-databases',
      severity: 'error',
      from: { path: '^electron/|^renderer/', pathNot: '^electron/service/store/' },
      to: { path: 'node_modules/(@types/)?(better-sqlite3|pg)/' },
    },
    {
      name: 'only-the-shell-imports-electron',
      severity: 'error',
      from: { path: '^electron/|^renderer/', pathNot: '^electron/(main|preload)/' },
      to: { path: 'node_modules/electron/' },
    },
    {
      name: 'shell-imports-only-shared',
      severity: 'error',
      from: { path: '^electron/(main|preload)/' },
      to: { path: '^electron/|^renderer/', pathNot: '^electron/(main|preload|shared)/' },
    },
    {
      name: 'cli-imports-service-and-shared',
      severity: 'error',
      from: { path: '^electron/cli/' },
      to: { path: '^electron/|^renderer/', pathNot: '^electron/(cli|service|shared)/' },
    },
    {
      name: 'service-knows-no-shell',
      severity: 'error',
      from: { path: '^electron/service/' },
      to: { path: '^electron/(cli|main|preload)/|^renderer/' },
    },
    {
      name: 'renderer-imports-only-shared',
      severity: 'error',
      from: { path: '^renderer/' },
      to: { path: '^electron/', pathNot: '^electron/shared/' },
    },
    {
      name: 'renderer-runs-in-a-browser',
      severity: 'error',
      from: { path: '^renderer/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'product-knows-no-tests',
      severity: 'error',
      from: { path: '^electron/|^renderer/' },
      to: { path: '^test/' },
    },
    {
      name: 'no-circles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'nothing-unresolved',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^#build/|^@nuxt/ui' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
    },
  },
}
