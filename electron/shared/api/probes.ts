import { Type, type Static, type TProperties } from 'typebox'
import { Nullable, OneOf } from './common.ts'

/** What a host can be probed by. */

const strict = { additionalProperties: false } as const
const Family = Type.Optional(OneOf(['any', '4', '6'] as const))

/** What every probe may say beside what is its own. */
const common = {
  timeoutMs: Type.Optional(
    Type.Integer({ minimum: 100, maximum: 60_000, description: 'ms; by default 2 s, or 10 s for http' }),
  ),
  degradedMs: Type.Optional(
    Nullable(
      Type.Number({ exclusiveMinimum: 0, maximum: 60_000, description: 'slower than this is degraded' }),
    ),
  ),
}
const probe = <Own extends TProperties>(own: Own, description: string) =>
  Type.Object({ ...own, ...common }, { ...strict, description })

const probes = [
  probe(
    {
      kind: Type.Literal('icmp'),
      family: Family,
      packets: Type.Optional(Type.Integer({ minimum: 1, maximum: 20, description: 'echoes in a sample' })),
      bytes: Type.Optional(Type.Integer({ minimum: 16, maximum: 1_400, description: 'payload' })),
      degradedLoss: Type.Optional(
        Nullable(
          Type.Number({
            exclusiveMinimum: 0,
            maximum: 100,
            description: 'per cent of the last 20 echoes; more is degraded',
          }),
        ),
      ),
    },
    'ICMP echo',
  ),
  probe(
    { kind: Type.Literal('tcp'), port: Type.Integer({ minimum: 1, maximum: 65_535 }), family: Family },
    'a TCP connection is taken',
  ),
  probe(
    {
      kind: Type.Literal('http'),
      url: Type.Optional(
        Type.String({ maxLength: 2_000, pattern: '^https?://', description: 'https://<domain>/ by default' }),
      ),
      method: Type.Optional(OneOf(['GET', 'HEAD', 'POST'] as const)),
      headers: Type.Optional(Type.Record(Type.String({ maxLength: 100 }), Type.String({ maxLength: 2_000 }))),
      body: Type.Optional(Type.String({ maxLength: 10_000 })),
      status: Type.Optional(
        Type.String({
          maxLength: 100,
          pattern: '^\\s*\\d{3}(-\\d{3})?(\\s*,\\s*\\d{3}(-\\d{3})?)*\\s*$',
          description: 'accepted ones such as 200-299,401; 200-299 by default',
        }),
      ),
      keyword: Type.Optional(Type.String({ maxLength: 500, description: 'must be in the body' })),
      keywordAbsent: Type.Optional(Type.Boolean({ description: 'the keyword must not be there' })),
      jsonPath: Type.Optional(
        Type.String({ maxLength: 500, description: 'RFC 9535; must select something' }),
      ),
      jsonValue: Type.Optional(Type.String({ maxLength: 500, description: 'what it must select, as text' })),
      redirects: Type.Optional(
        Type.Integer({ minimum: 0, maximum: 20, description: 'followed; 5 by default' }),
      ),
      verifyCertificate: Type.Optional(Type.Boolean()),
      certificateDays: Type.Optional(
        Type.Array(Type.Integer({ minimum: 1, maximum: 365 }), {
          maxItems: 10,
          description: 'told once at each of these many days before it expires; 21, 7, 3 and 1 by default',
        }),
      ),
      family: Family,
    },
    'a web request is answered as it should',
  ),
  probe(
    {
      kind: Type.Literal('dns'),
      name: Type.Optional(Type.String({ maxLength: 253, description: 'the domain by default' })),
      record: OneOf(['A', 'AAAA', 'CNAME', 'MX', 'NS', 'TXT', 'SRV', 'CAA', 'SOA', 'PTR'] as const),
      server: Type.Optional(
        Type.String({
          maxLength: 60,
          description: "address, with a port if not 53; the system's by default",
        }),
      ),
      expect: Type.Optional(Type.String({ maxLength: 500, description: 'must be among the answers' })),
    },
    'a name has a record',
  ),
] as const
/** Told apart by their kind, so that what is wrong with one is said of that one. */
export const Probe = Type.Unsafe<Static<(typeof probes)[number]>>({
  oneOf: [...probes],
  discriminator: { propertyName: 'kind' },
  required: ['kind'],
  type: 'object',
})
export type Probe = Static<typeof Probe>
export type ProbeOf<Kind extends Probe['kind']> = Extract<Probe, { kind: Kind }>
