import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'
import { onTestFinished } from 'vitest'

/** A request that an HTTP receiver got. */
export interface Received {
  readonly method: string
  readonly url: string
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
}

/** A web server that keeps what it gets and answers as it is told. */
export interface HttpReceiver {
  readonly url: string
  readonly received: Received[]
  /** Answers of the next requests, in order; 200 when there are no more. */
  readonly answers: {
    status: number
    headers?: Record<string, string>
    body?: string
    raw?: string
    /** Never answers: the connection stays open. */
    delayed?: boolean
  }[]
}

export async function httpReceiver(): Promise<HttpReceiver> {
  const received: Received[] = []
  const answers: HttpReceiver['answers'] = []
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      received.push({ method, url, headers, body: Buffer.concat(chunks).toString('utf8') })
      const answer = answers.shift() ?? { status: 200 }
      if (answer.delayed) return
      if (answer.raw !== undefined) {
        response.socket?.end(answer.raw)
        return
      }
      response.writeHead(answer.status, answer.headers)
      response.end(answer.body ?? 'ok')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received, answers }
}

/** A mail that the sink got. */
export interface ReceivedMail {
  readonly from: string
  readonly to: readonly string[]
  readonly text: string
}

/** A mail server that keeps what it gets, and refuses or hangs when told to. */
export interface MailSink {
  readonly port: number
  readonly mails: ReceivedMail[]
  mood: 'well' | 'refuses' | 'hangs'
}

export async function mailSink(login?: { user: string; password: string }): Promise<MailSink> {
  const sink: MailSink = { port: 0, mails: [], mood: 'well' }
  const server = new SMTPServer({
    authOptional: login === undefined,
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    onAuth(auth, _session, done) {
      if (auth.username === login?.user && auth.password === login?.password)
        done(null, { user: auth.username ?? '' })
      else done(new Error('Invalid username or password'))
    },
    onMailFrom(_address, _session, done) {
      if (sink.mood === 'hangs') return
      done(sink.mood === 'refuses' ? Object.assign(new Error('Try later'), { responseCode: 451 }) : null)
    },
    onRcptTo({ address }, _session, done) {
      done(
        address.startsWith('refused')
          ? Object.assign(new Error('No such user'), { responseCode: 550 })
          : null,
      )
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        sink.mails.push({
          from: mailFrom ? mailFrom.address : '',
          to: rcptTo.map(({ address }) => address),
          text: Buffer.concat(chunks).toString('utf8'),
        })
        done()
      })
    },
  })
  server.on('error', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())))
  Object.assign(sink, { port: (server.server.address() as AddressInfo).port })
  return sink
}
