import { parentPort } from 'node:worker_threads'
import { failureOf, type FromThread, type ThreadAnswer, type ThreadQuestion } from './thread.ts'

/**
 * Answers the questions of whoever started this thread with `startThread`, until it is told to end. To be called when everything that is needed
 * is loaded.
 *
 * @param answer may throw; its error is told as a failure
 * @param close lets go of what the thread holds
 */
export function answerQuestions(
  answer: (name: string, args: unknown) => unknown,
  close: () => Promise<void> | void,
): void {
  const tell = (words: FromThread): void => parentPort?.postMessage(words)
  const answered = async ({ id, name, args }: ThreadQuestion): Promise<ThreadAnswer> => {
    try {
      return { id, result: await answer(name, args) }
    } catch (error) {
      return { id, failure: failureOf(error) }
    }
  }
  const end = async (): Promise<void> => {
    await close()
    parentPort?.close()
  }
  parentPort?.on('message', (question: ThreadQuestion | 'close') => {
    void (question === 'close' ? end() : answered(question).then(tell))
  })
  tell('ready')
}
