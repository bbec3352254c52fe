import type { FastifyReply, FastifyRequest } from 'fastify'
import type { App } from '../../context.ts'
import { anyBody } from './ingest.ts'

/** What answers to one shape of secret at the root of the server, such as `/<8 letters>`. */
export interface RootHandler {
  readonly pattern: RegExp
  /** Whether a slash or an action may follow the secret. */
  readonly takesAction: boolean
  handle(
    request: FastifyRequest,
    reply: FastifyReply,
    secret: string,
    action: string | undefined,
  ): Promise<FastifyReply>
}

/** Adds the addresses at the root, which belong to watchers; what fits no shape is not found. */
export function rootRoutes(app: App, handlers: readonly RootHandler[]): void {
  const options = { config: { access: 'secret' }, schema: { hide: true } } as const
  const answer = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { secret, action } = request.params as { secret: string; action?: string }
    const isBare = action === undefined && !/^[^?]*\/(?:\?|$)/.test(request.url)
    const handler = handlers.find(
      ({ pattern, takesAction }) => pattern.test(secret) && (takesAction || isBare),
    )
    if (handler) return handler.handle(request, reply, secret, action)
    reply.callNotFound()
    return reply
  }
  anyBody(app, (scope) => {
    scope.all('/:secret', options, answer)
    scope.all('/:secret/', options, answer)
    scope.all('/:secret/:action', options, answer)
  })
}
