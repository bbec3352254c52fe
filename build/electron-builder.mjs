// The configuration of electron-builder for one system and processor (https://www.electron.build/configuration).
import { Arch } from 'electron-builder'
import { FuseV1Options, FuseVersion, flipFuses } from '@electron/fuses'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { filesOf, root, unpacked } from './package-contents.mjs'
import { verifyPackage } from './verify-package.mjs'

const executableName = 'watchkeeper-app'
const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
/** The desktop entry is named after the app; electron/shared/app-id.ts says who else goes by it. */
const appId = manifest.desktopName.replace(/\.desktop$/, '')

/**
 * All nine fuses, each decided (https://www.electronjs.org/docs/latest/tutorial/fuses). Cookies are not used, and switching
 * their encryption on cannot be undone; pages come from our own scheme and server, so files need no privileges.
 */
export const fuses = {
  [FuseV1Options.RunAsNode]: false,
  [FuseV1Options.EnableCookieEncryption]: false,
  [FuseV1Options.EnableNodeOptionsEnvironmentVariable]: false,
  [FuseV1Options.EnableNodeCliInspectArguments]: false,
  [FuseV1Options.EnableEmbeddedAsarIntegrityValidation]: true,
  [FuseV1Options.OnlyLoadAppFromAsar]: true,
  [FuseV1Options.LoadBrowserProcessSpecificV8Snapshot]: false,
  [FuseV1Options.GrantFileProtocolExtraPrivileges]: false,
  [FuseV1Options.WasmTrapHandlers]: true,
}

/** Where the program of a packed app lies. */
export function executableOf(appFolder, platform) {
  switch (platform) {
    case 'darwin':
      return path.join(appFolder, 'Watchkeeper.app')
    case 'win32':
      return path.join(appFolder, 'Watchkeeper.exe')
    default:
      return path.join(appFolder, executableName)
  }
}

/** The repository whose releases hold updates is that of the workflow; a build by hand knows none. */
const repository = process.env.GITHUB_REPOSITORY || 'watchkeeper/watchkeeper'

function publisher() {
  const [owner, repo] = repository.split('/')
  return process.env.GITHUB_REPOSITORY ? [{ provider: 'github', owner, repo, releaseType: 'draft' }] : null
}

/** Returns the configuration; `electronDist` is a folder with Electron where it is not to be downloaded. */
export function configFor(platform, arch, { electronDist, output = 'release' } = {}) {
  const isSigned = platform === 'darwin' ? Boolean(process.env.CSC_LINK) : Boolean(process.env.WIN_CSC_LINK)
  if (platform === 'darwin' && isSigned && !process.env.APPLE_API_KEY)
    throw new Error(
      'there is a certificate, but no APPLE_API_KEY: macOS refuses what is signed and not notarised',
    )
  return {
    appId,
    productName: 'Watchkeeper',
    copyright: 'MIT License',
    extraMetadata: { homepage: `https://github.com/${repository}`, author: 'The Watchkeeper authors' },
    electronVersion: manifest.devDependencies.electron,
    ...(electronDist && { electronDist }),
    directories: { output, buildResources: 'resources' },
    // The modules that are needed are named one by one, so electron-builder is to add none.
    beforeBuild: () => false,
    npmRebuild: true,
    asar: true,
    asarUnpack: unpacked,
    disableDefaultIgnoredFiles: true,
    files: filesOf(platform, arch),
    extraResources: [
      {
        from: 'resources/bin',
        to: 'bin',
        filter: [platform === 'win32' ? 'watchkeeper.cmd' : 'watchkeeper'],
      },
      { from: 'dist/third-party-notices.txt', to: 'third-party-notices.txt' },
    ],
    electronLanguages: ['en-US'],
    publish: publisher(),
    async afterPack({ appOutDir, electronPlatformName, arch: packedArch }) {
      await flipFuses(executableOf(appOutDir, electronPlatformName), {
        version: FuseVersion.V1,
        strictlyRequireAllFuses: true,
        // Flipping breaks the signature that Electron came with; only macOS itself can make another.
        resetAdHocDarwinSignature: process.platform === 'darwin' && !isSigned,
        ...fuses,
      })
      const complaints = await verifyPackage(appOutDir, electronPlatformName, Arch[packedArch])
      if (complaints.length > 0)
        throw new Error(`the package is not as it should be:\n${complaints.join('\n')}`)
    },
    linux: {
      target: ['AppImage', 'deb', 'rpm', 'tar.gz'],
      executableName,
      syncDesktopName: true,
      icon: 'dist/icons/app',
      category: 'System',
      synopsis: 'Watches this machine, hosts and scheduled jobs',
      description: manifest.description,
      maintainer: 'The Watchkeeper authors <watchkeeper@users.noreply.github.com>',
      desktop: {
        entry: {
          Name: 'Watchkeeper',
          Comment: 'Tells you when your machine, your hosts or your scheduled jobs stop',
          StartupWMClass: 'Watchkeeper',
          StartupNotify: 'false',
          Keywords: 'monitor;ping;uptime;cron;tray;',
        },
      },
    },
    deb: {
      packageName: 'watchkeeper',
      packageCategory: 'admin',
      recommends: ['libayatana-appindicator3-1', 'libnotify-bin'],
      afterInstall: 'resources/linux/after-install.tpl',
      afterRemove: 'resources/linux/after-remove.tpl',
      fpm: [`${root}resources/linux/watchkeeper.service=/usr/lib/systemd/user/watchkeeper.service`],
    },
    rpm: {
      packageName: 'watchkeeper',
      afterInstall: 'resources/linux/after-install.tpl',
      afterRemove: 'resources/linux/after-remove.tpl',
      fpm: [
        // Two Electron apps would claim the same build ids.
        '--rpm-rpmbuild-define=_build_id_links none',
        `${root}resources/linux/watchkeeper.service=/usr/lib/systemd/user/watchkeeper.service`,
      ],
    },
    toolsets: { appimage: '1.0.3' },
    win: { target: ['nsis', 'portable'], icon: 'dist/icons/app.ico', forceCodeSigning: isSigned },
    nsis: {
      // GitHub turns blanks in the names of assets into dots, and updates would not find them.
      artifactName: '${productName}-Setup-${version}.${ext}',
      guid: '5b6d7c7e-3f0e-4d35-9a55-0e9f2f0d8737',
      oneClick: false,
      perMachine: false,
      allowToChangeInstallationDirectory: true,
      include: 'resources/windows/installer.nsh',
      // The uninstaller asks by itself.
      deleteAppDataOnUninstall: false,
    },
    portable: { artifactName: '${productName}-${version}-${arch}-portable.${ext}' },
    mac: {
      target: ['dmg', 'zip'],
      icon: 'dist/icons/app.icns',
      category: 'public.app-category.utilities',
      darkModeSupport: true,
      hardenedRuntime: true,
      gatekeeperAssess: false,
      entitlements: 'resources/mac/entitlements.plist',
      entitlementsInherit: 'resources/mac/entitlements.plist',
      // Without a certificate nothing is signed or sent to be notarised.
      ...(isSigned ? { forceCodeSigning: true, notarize: true } : { identity: null }),
      extendInfo: { LSUIElement: true },
    },
  }
}
