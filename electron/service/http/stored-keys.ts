import { randomBytes } from 'node:crypto'
import { Type } from 'typebox'
import type { AccessKey } from '../../shared/api/service.ts'
import { AccessKeys, CreateKey, NewKey } from '../../shared/api/service.ts'
import { isoTime } from '../../shared/time-text.ts'
import type { App, RoomContext } from '../context.ts'
import { HttpProblem } from '../problem.ts'
import type { Connection } from '../store/open.ts'
import { hashOfKey, type Scope } from './access.ts'

/** Keys made later, kept as hashes: whoever reads the database learns none of them. */

/** Returns what finds a key's scope by its hash. */
export function storedKeys(db: Connection): (hash: string) => Scope | null {
  const select = db.prepare('SELECT scope FROM access_key WHERE hash = ?').pluck()
  return (hash) => (select.get(hash) as Scope | undefined) ?? null
}

function readKeys(db: Connection): AccessKey[] {
  const rows = db.prepare('SELECT id, name, scope, created_ms FROM access_key ORDER BY id').all() as {
    id: number
    name: string
    scope: Scope
    created_ms: number
  }[]
  return rows.map(({ id, name, scope, created_ms }) => ({ id, name, scope, created: isoTime(created_ms) }))
}

/** Adds the routes that make and remove access keys. */
export function keyRoutes(app: App, { db, clock, commits }: RoomContext): void {
  const tags = ['service']
  app.get(
    '/api/v1/keys',
    {
      config: { scope: 'write' },
      schema: { tags, summary: 'Access keys made later', response: { 200: AccessKeys } },
    },
    () => readKeys(db),
  )
  app.post(
    '/api/v1/keys',
    {
      schema: {
        tags,
        summary: 'Make an access key; it is shown this once',
        body: CreateKey,
        response: { 201: NewKey },
      },
    },
    async ({ body: { name, scope } }, reply) => {
      const key = randomBytes(32).toString('base64url')
      const id = await commits.write(() =>
        Number(
          db
            .prepare('INSERT INTO access_key (name, scope, hash, created_ms) VALUES (?, ?, ?, ?)')
            .run(name, scope, hashOfKey(key), Math.round(clock.glance().wallMs)).lastInsertRowid,
        ),
      )
      return reply.status(201).send({ id, name, scope, key })
    },
  )
  app.delete(
    '/api/v1/keys/:id',
    {
      schema: {
        tags,
        summary: 'Remove an access key',
        params: Type.Object({ id: Type.Integer({ minimum: 1 }) }),
        response: { 204: Type.Null() },
      },
    },
    async ({ params: { id } }, reply) => {
      await commits.write(() => {
        if (db.prepare('DELETE FROM access_key WHERE id = ?').run(id).changes !== 1)
          throw new HttpProblem(404, `there is no key ${id}`)
      })
      return reply.status(204).send(null)
    },
  )
}
