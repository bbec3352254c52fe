import { execFile } from 'node:child_process'

/** Runs a program of the system to its end; null when it is not there. */
export type RunProgram = (
  program: string,
  args: readonly string[],
) => Promise<{ readonly code: number | null; readonly output: string } | null>

const patienceMs = 20_000
const mostBytes = 4_194_304

export const runProgram: RunProgram = (program, args) =>
  new Promise((resolve) => {
    execFile(
      program,
      [...args],
      {
        timeout: patienceMs,
        killSignal: 'SIGKILL',
        maxBuffer: mostBytes,
        windowsHide: true,
        env: { ...process.env, LC_ALL: 'C' },
      },
      (error, stdout) => {
        const isMissing = error !== null && 'code' in error && error.code === 'ENOENT'
        resolve(
          isMissing
            ? null
            : {
                code: error === null ? 0 : typeof error.code === 'number' ? error.code : null,
                output: stdout,
              },
        )
      },
    )
  })
