import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createFamily, markName } from '../../../electron/service/health/plug-ins/family.ts'
import { tellSkipped } from '../../support/skipped.ts'

const isLinux = process.platform === 'linux'
if (!isLinux) tellSkipped('processes of a plug-in are not looked for: only Linux shows them in /proc')

describe.runIf(isLinux)('the family of a plug-in', () => {
  it('has a process that showed no environment yet when it was first looked at', async () => {
    const family = createFamily('this-run', 4_096)
    const child = spawn(
      '/bin/sh',
      ['-c', `echo ready; read go; export ${markName}=this-run; exec sleep 300`],
      { env: {} },
    )
    onTestFinished(() => void child.kill('SIGKILL'))
    const ended = once(child, 'exit')
    await once(child.stdout, 'data')
    expect(family.measure().count).toBe(0)
    child.stdin.write('go\n')
    while (family.measure().count === 0) await new Promise((resolve) => setImmediate(resolve))
    expect(family.measure()).toMatchObject({ count: 1, bytes: expect.any(Number) as number })
    family.end()
    expect(await ended).toEqual([null, 'SIGKILL'])
  })
})
