import { cruise, type IViolation, type ICruiseResult } from 'dependency-cruiser'
import extractConfig from 'dependency-cruiser/config-utl/extract-depcruise-config'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../support/temporary.ts'

/** Returns the rules that a tree of files breaks. */
async function brokenRules(files: Readonly<Record<string, string>>): Promise<string[]> {
  const folder = temporaryFolder()
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.join(folder, path.dirname(name)), { recursive: true })
    writeFileSync(path.join(folder, name), text)
  }
  symlinkSync(path.resolve('node_modules'), path.join(folder, 'node_modules'))
  const { forbidden = [] } = (await extractConfig(path.resolve('.dependency-cruiser.cjs'))) as {
    forbidden?: []
  }
  const { output } = await cruise(
    ['electron', 'renderer'].filter((root) => Object.keys(files).some((name) => name.startsWith(root))),
    {
      baseDir: folder,
      ruleSet: { forbidden },
      validate: true,
      doNotFollow: { path: 'node_modules' },
      tsPreCompilationDeps: true,
      enhancedResolveOptions: {
        exportsFields: ['exports'],
        conditionNames: ['import', 'types', 'node', 'default'],
      },
    },
  )
  return (output as ICruiseResult).summary.violations.map(({ rule }: IViolation) => rule.name).sort()
}

const other = {
  'electron/service/hosts/index.ts': 'export const hosts = 1\n',
  'electron/service/http/app.ts': 'export const app = 1\n',
  'electron/shared/x.ts': 'export const x = 1\n',
  'electron/service/service.ts': 'export const s = 1\n',
  'electron/cli/main.ts': 'export const c = 1\n',
}

it.each<[string, string, string, string[]]>([
  [
    'a room may import shared',
    'electron/service/recorder/a.ts',
    "import { x } from '../../shared/x.ts'\nexport const y = x\n",
    [],
  ],
  [
    'a room may not import another',
    'electron/service/recorder/a.ts',
    "import { hosts } from '../hosts/index.ts'\nexport const y = hosts\n",
    ['rooms-do-not-import-each-other'],
  ],
  [
    'a room may not import the server',
    'electron/service/recorder/a.ts',
    "import { app } from '../http/app.ts'\nexport const y = app\n",
    ['rooms-see-only-their-context'],
  ],
  [
    'the server may not import a room',
    'electron/service/http/b.ts',
    "import { hosts } from '../hosts/index.ts'\nexport const y = hosts\n",
    ['http-and-alerts-see-rooms-through-the-context'],
  ],
  [
    'the store may not import a room',
    'electron/service/store/b.ts',
    "import { hosts } from '../hosts/index.ts'\nexport const y = hosts\n",
    ['store-knows-no-rooms'],
  ],
  [
    'the service may not import the command line',
    'electron/service/b.ts',
    "import { c } from '../cli/main.ts'\nexport const y = c\n",
    ['service-knows-no-shell'],
  ],
  [
    'a type counts as an import',
    'electron/service/recorder/a.ts',
    "import type { hosts } from '../hosts/index.ts'\nexport type Y = typeof hosts\n",
    ['rooms-do-not-import-each-other'],
  ],
  [
    'only the store may open databases',
    'electron/service/recorder/a.ts',
    "import Database from 'better-sqlite3'\nexport const y = Database\n",
    ['only-the-store-opens-databases'],
  ],
  [
    'the store may',
    'electron/service/store/b.ts',
    "import Database from 'better-sqlite3'\nexport const y = Database\n",
    [],
  ],
  [
    'shared may not import Node',
    'electron/shared/b.ts',
    "import fs from 'node:fs'\nexport const y = fs\n",
    ['shared-imports-nothing-of-ours'],
  ],
  [
    'the shell may import shared alone',
    'electron/main/b.ts',
    "import { s } from '../service/service.ts'\nexport const y = s\n",
    ['shell-imports-only-shared'],
  ],
  [
    'the page may not import the service',
    'renderer/b.ts',
    "import { s } from '../electron/service/service.ts'\nexport const y = s\n",
    ['renderer-imports-only-shared'],
  ],
  [
    'a component of the page may not either',
    'renderer/b.vue',
    '<script setup lang="ts">\nimport { s } from \'../electron/service/service.ts\'\nconst y = s\n</script>\n<template>{{ y }}</template>\n',
    ['renderer-imports-only-shared'],
  ],
  [
    'the page may not import Node',
    'renderer/b.ts',
    "import fs from 'node:fs'\nexport const y = fs\n",
    ['renderer-runs-in-a-browser'],
  ],
  [
    'a circle is refused',
    'electron/service/store/b.ts',
    "import { z } from './c.ts'\nexport const y = (): unknown => z\n",
    ['no-circles'],
  ],
])('%s', async (_name, file, text, rules) => {
  const circle =
    file.endsWith('store/b.ts') && text.includes('c.ts')
      ? { 'electron/service/store/c.ts': "import { y } from './b.ts'\nexport const z = (): unknown => y\n" }
      : {}
  expect(await brokenRules({ ...other, ...circle, [file]: text })).toEqual(rules)
})
