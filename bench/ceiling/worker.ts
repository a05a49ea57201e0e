/** The least a send can be: one hop to one object, JSON, SHA-256, one ed25519 signature and one insert. */

import { DurableObject } from 'cloudflare:workers'
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import type { DurableObjectState, SqlStorage } from '@cloudflare/workers-types'

interface Env {
  CEILING: { getByName(name: string): { append(content: unknown): Promise<string> } }
}

export class Ceiling extends DurableObject<Env> {
  readonly #sql: SqlStorage
  readonly #transaction: DurableObjectState['storage']['transactionSync']
  readonly #key = generateKeyPairSync('ed25519').privateKey

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#sql = ctx.storage.sql
    this.#transaction = (work) => ctx.storage.transactionSync(work)
    this.#sql.exec(
      'create table if not exists events (position integer primary key, json text not null) strict',
    )
  }

  append(content: unknown): string {
    return this.#transaction(() => {
      const event = JSON.stringify({ content, type: 'm.room.message', sender: '@ceiling:localhost' })
      const hash = createHash('sha256').update(event).digest('base64url')
      const signature = sign(null, Buffer.from(event), this.#key).toString('base64url')
      this.#sql.exec('insert into events (json) values (?)', JSON.stringify({ event, hash, signature }))
      return `$${hash}`
    })
  }
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const eventId = await env.CEILING.getByName('room').append(await request.json())
    return Response.json({ event_id: eventId })
  },
}
