import { createPackage } from '@electron/asar'
import { FuseState } from '@electron/fuses'
import { NtExecutable, NtExecutableResource, Resource } from 'resedit'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

/** Found by @electron/fuses in Electron's binary, followed by the version and the wire (its src/constants.ts). */
const sentinel = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX'
const fuseCount = 9

/** A fuse block as it lies in the binary, every fuse off. */
function fuseBlock(): Buffer {
  return Buffer.concat([
    Buffer.from(sentinel, 'latin1'),
    Buffer.from([1, fuseCount]),
    Buffer.alloc(fuseCount, FuseState.DISABLE),
  ])
}

/**
 * Makes a folder that stands in for Electron's own, so that packages can be made where its binary is not to be had: the same
 * layout, the fuse block where it lies, and nothing that runs.
 */
export async function stubElectron(platform: string, version: string): Promise<string> {
  const folder = mkdtempSync(path.join(os.tmpdir(), `watchkeeper-stub-${platform}-`))
  const write = (name: string, data: string | Buffer, mode = 0o644): void => {
    const file = path.join(folder, name)
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, data)
    chmodSync(file, mode)
  }
  write('version', version)
  write('LICENSE', 'stub')
  write('LICENSES.chromium.html', '<p>stub</p>')
  if (platform === 'darwin') {
    macApp(write)
    return folder
  }
  mkdirSync(path.join(folder, 'resources'))
  const app = mkdtempSync(path.join(os.tmpdir(), 'watchkeeper-stub-app-'))
  writeFileSync(path.join(app, 'package.json'), '{}')
  await createPackage(app, path.join(folder, 'resources', 'default_app.asar'))
  rmSync(app, { recursive: true })
  for (const locale of ['en-US', 'de']) write(`locales/${locale}.pak`, 'stub')
  if (platform === 'win32') {
    write('electron.exe', Buffer.concat([windowsProgram(), fuseBlock()]))
    return folder
  }
  write(
    'electron',
    Buffer.concat([Buffer.from('#!/bin/sh\nprintf "%s\\n" "$@"\nexit 7\n'), fuseBlock()]),
    0o755,
  )
  write('chrome-sandbox', 'stub', 0o755)
  return folder
}

/** Returns a program that holds nothing but a version resource, which the builder rewrites. */
function windowsProgram(): Buffer {
  const program = NtExecutable.createEmpty(false, false)
  const resources = NtExecutableResource.from(program)
  const version = Resource.VersionInfo.createEmpty()
  version.setFileVersion(1, 0, 0, 0, 1033)
  version.setStringValues(
    { lang: 1033, codepage: 1200 },
    { ProductName: 'Electron', FileDescription: 'Electron' },
  )
  version.outputToResourceEntries(resources.entries)
  resources.outputResource(program)
  return Buffer.from(program.generate())
}

const plist = (id: string, name: string): string => `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict><key>CFBundleIdentifier</key><string>${id}</string><key>CFBundleName</key><string>${name}</string>
<key>CFBundleExecutable</key><string>${name}</string></dict></plist>
`

function macApp(write: (name: string, data: string | Buffer, mode?: number) => void): void {
  const contents = 'Electron.app/Contents'
  write(`${contents}/Info.plist`, plist('com.github.Electron', 'Electron'))
  write(`${contents}/MacOS/Electron`, '#!/bin/sh\n', 0o755)
  write(`${contents}/Resources/electron.icns`, 'stub')
  write(
    `${contents}/Frameworks/Electron Framework.framework/Electron Framework`,
    Buffer.concat([Buffer.from('stub'), fuseBlock()]),
    0o755,
  )
  for (const locale of ['en', 'de'])
    write(
      `${contents}/Frameworks/Electron Framework.framework/Versions/A/Resources/${locale}.lproj/locale.pak`,
      'stub',
    )
  for (const kind of ['', ' (GPU)', ' (Plugin)', ' (Renderer)']) {
    const name = `Electron Helper${kind}`
    write(`${contents}/Frameworks/${name}.app/Contents/Info.plist`, plist('com.github.Electron.helper', name))
    write(`${contents}/Frameworks/${name}.app/Contents/MacOS/${name}`, '#!/bin/sh\n', 0o755)
  }
}
