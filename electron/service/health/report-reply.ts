/** Sending a report as its own text. */

const jsonType = 'application/json; charset=utf-8'
const textType = 'text/plain; charset=utf-8'

interface TextReply {
  type(name: string): TextReply
  serializer(write: (text: unknown) => string): TextReply
}

/** Fastify would wrap a text of JSON in quotes. */
export function asText(
  reply: TextReply,
  format: 'json' | 'text' | undefined,
  json: () => string,
  text: () => string,
): string {
  reply.type(format === 'text' ? textType : jsonType).serializer(String)
  return format === 'text' ? text() : json()
}
