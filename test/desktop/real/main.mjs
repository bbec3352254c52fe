// What real Electron runs in the desktop specs: it watches what the app does to its desktop, in the same words as the stand-in, and
// then loads the app's own bundle. Nothing of the app is replaced but the answers to its questions.
import electron from 'electron'
import path from 'node:path'
import process from 'node:process'

const {
  app,
  BrowserWindow,
  dialog,
  Menu,
  nativeImage,
  nativeTheme,
  Notification,
  powerMonitor,
  shell,
  Tray,
  session,
  utilityProcess,
} = electron
app.setPath('userData', process.env.WATCHKEEPER_TEST_USER_DATA)
app.setAppLogsPath(path.join(process.env.WATCHKEEPER_TEST_USER_DATA, 'logs'))

const record = {
  pid: process.pid,
  isReady: false,
  trays: 0,
  tray: null,
  trayChanges: 0,
  notices: [],
  windows: [],
  hiddenWindows: 0,
  dialogs: [],
  servicePids: [],
  shownFolders: [],
  openedOutside: [],
  permissionsRefused: false,
  appUserModelId: null,
  isSandboxed: false,
}
void app.whenReady().then(() => {
  record.isReady = true
})

const enableSandbox = app.enableSandbox.bind(app)
app.enableSandbox = () => {
  record.isSandboxed = true
  enableSandbox()
}
const fromPartition = session.fromPartition.bind(session)
session.fromPartition = (...args) => {
  const pages = fromPartition(...args)
  const setHandler = pages.setPermissionRequestHandler.bind(pages)
  pages.setPermissionRequestHandler = (handler) => {
    handler(null, 'geolocation', (isGranted) => (record.permissionsRefused = !isGranted), {})
    setHandler(handler)
  }
  return pages
}

const files = new WeakMap()
let lastFile = ''
const createFromPath = nativeImage.createFromPath
nativeImage.createFromPath = (file) => {
  const image = createFromPath(file)
  files.set(image, path.basename(file))
  lastFile = path.basename(file)
  return image
}

let tray = null
let menu = null
let template = []
const around = (prototype, name, before) => {
  const original = prototype[name]
  prototype[name] = function (...args) {
    before.call(this, ...args)
    return original.apply(this, args)
  }
}
function seen(self) {
  if (tray === self) return
  tray = self
  record.trays += 1
  record.tray = { icon: lastFile, isTemplate: lastFile.includes('Template'), tooltip: '', menu: [] }
}
around(Tray.prototype, 'setImage', function (image) {
  seen(this)
  record.tray = { ...record.tray, icon: files.get(image) ?? '' }
  record.trayChanges += 1
})
around(Tray.prototype, 'setToolTip', function (tooltip) {
  seen(this)
  record.tray = { ...record.tray, tooltip }
  record.trayChanges += 1
})
around(Tray.prototype, 'destroy', () => {
  tray = null
  record.tray = null
})
const view = (items) =>
  items
    .filter(({ type }) => type !== 'separator')
    .map(({ label = '', enabled = true, submenu }) => ({
      label,
      enabled,
      items: Array.isArray(submenu) ? view(submenu) : [],
    }))
const buildFromTemplate = Menu.buildFromTemplate
Menu.buildFromTemplate = (items) => {
  const built = buildFromTemplate(items)
  // The application's own menu is made of roles.
  if (items.some(({ label }) => label === 'Hide this icon')) {
    menu = built
    template = items
    if (record.tray) record.tray = { ...record.tray, menu: view(items) }
  }
  return built
}

const notices = []
around(Notification.prototype, 'show', function () {
  const at = notices.push(this) - 1
  const { title, body, silent, urgency, timeoutType } = this
  record.notices.push({ options: { title, body, silent, urgency, timeoutType }, state: 'made' })
  const become = (state) => () => {
    record.notices[at] = { ...record.notices[at], state }
  }
  this.on('show', become('shown'))
  this.on('failed', become('failed'))
  this.on('close', become('closed'))
})
around(Notification.prototype, 'close', function () {
  const at = notices.indexOf(this)
  if (at >= 0) record.notices[at] = { ...record.notices[at], state: 'closed' }
})

let answer = null
dialog.showMessageBox = ({ message, detail = '', buttons }) => {
  const at = record.dialogs.push({ message, detail, buttons, isOpen: true }) - 1
  return new Promise((resolve) => {
    answer = (response) => {
      record.dialogs[at] = { ...record.dialogs[at], isOpen: false }
      answer = null
      resolve({ response, checkboxChecked: false })
    }
  })
}
shell.showItemInFolder = (file) => record.shownFolders.push(file)
shell.openExternal = async (url) => void record.openedOutside.push(url)

const fork = utilityProcess.fork
utilityProcess.fork = (...args) => {
  const child = fork(...args)
  child.once('spawn', () => record.servicePids.push(child.pid))
  return child
}

const commands = {
  menu({ path: labels }) {
    let items = template
    for (const [index, label] of labels.entries()) {
      const item = items.find((entry) => entry.label === label)
      if (!item)
        throw new Error(`the menu has no entry ${label}, but ${items.map((entry) => entry.label).join(', ')}`)
      if (index === labels.length - 1) item.click?.(menu)
      items = item.submenu ?? []
    }
  },
  'tray-click': () => tray?.emit('click', {}, {}),
  'notice-click': ({ at }) => notices.at(at)?.emit('click', {}),
  answer({ button }) {
    const at = record.dialogs.at(-1)?.buttons.indexOf(button) ?? -1
    if (at < 0 || answer === null) throw new Error(`no dialog has the button ${button}`)
    answer(at)
  },
  power: ({ event }) => powerMonitor.emit(event, { preventDefault: () => undefined }),
  theme({ isDark }) {
    nativeTheme.themeSource = isDark ? 'dark' : 'light'
  },
  focus({ isFocused }) {
    for (const window of BrowserWindow.getAllWindows()) window[isFocused ? 'focus' : 'blur']()
  },
  'close-window': () => BrowserWindow.getAllWindows().at(-1)?.close(),
  quit: () => app.quit(),
}

globalThis.watchkeeperTest = {
  record: () => ({
    ...record,
    windows: BrowserWindow.getAllWindows().map((window) => ({
      id: window.webContents.id,
      url: window.webContents.getURL(),
      isVisible: window.isVisible(),
      isFocused: window.isFocused(),
      bounds: window.getBounds(),
      isFramed: true,
      webPreferences: window.webContents.getLastWebPreferences() ?? {},
    })),
  }),
  command: (command) => commands[command.do](command),
}

// Awaited, so that the app's own first steps come before Electron is ready (https://www.electronjs.org/docs/latest/tutorial/esm).
await import(new URL('../../../dist/main/main.js', import.meta.url).href)
