// Loaded by `node --import` in the stand-in of a utility process: gives it Electron's parent port.
import { EventEmitter } from 'node:events'
import process from 'node:process'

const port = new EventEmitter()
const waiting = []
let isHeard = false
process.on('message', (data) => {
  if (isHeard) port.emit('message', { data, ports: [] })
  else waiting.push(data)
})
// Messages wait until somebody listens.
port.on('newListener', (event) => {
  if (event !== 'message' || isHeard) return
  isHeard = true
  setImmediate(() => {
    for (const data of waiting.splice(0)) port.emit('message', { data, ports: [] })
  })
})
port.postMessage = (message) => {
  if (process.connected) process.send(structuredClone(message))
}
process.parentPort = port
// A utility process does not outlive its main process, and is not asked before it goes.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
