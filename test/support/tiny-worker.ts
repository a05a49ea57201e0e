/** A Worker of a few lines, for tests of what stands around the real one. */

export const tinyWorker = `
import { DurableObject, exports, WorkerEntrypoint } from 'cloudflare:workers'

export class Room extends DurableObject {
  #calls = 0
  add() {
    this.ctx.storage.sql.exec('create table if not exists added (id integer primary key)')
    this.ctx.storage.sql.exec('insert into added default values')
    this.#calls += 1
    const [{ n }] = this.ctx.storage.sql.exec('select count(*) as n from added').toArray()
    return { rows: n, inMemory: this.#calls }
  }
}

export class User extends DurableObject {}
export class Partition extends DurableObject {}
export class Destination extends DurableObject {}

export class FanOut extends WorkerEntrypoint {
  fetch() {
    return Response.json('fanned out')
  }
}

const sqlHeaders = { 'Neon-Raw-Text-Output': 'true', 'Neon-Array-Mode': 'true' }

const routes = {
  '/health': () => Response.json('ok'),
  '/env': (env) => Response.json(Object.fromEntries(Object.entries(env).filter(([, v]) => typeof v === 'string'))),
  '/pg': (env) => env.PG.fetch('http://pg/sql', {
    method: 'POST', headers: sqlHeaders, body: JSON.stringify({ query: 'select 1, null' }),
  }),
  '/redis': (env) => env.REDIS.fetch('http://redis/', { method: 'POST', body: '["ping"]' }),
  '/fan-out': () => exports.FanOut.fetch('http://self/'),
  '/add': async (env, query) => Response.json(await env.ROOM.getByName(query.get('name')).add()),
  '/fetch': (env, query) => fetch(query.get('url')),
  '/log': (env, query) => {
    console.log(JSON.stringify({ level: 'info', message: query.get('message') }))
    return Response.json('logged')
  },
}

export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url)
    try {
      return await routes[pathname](env, searchParams)
    } catch (error) {
      return new Response(String(error), { status: 500 })
    }
  },
}
`
