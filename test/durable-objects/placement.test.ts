/** Where objects live is fixed by the first deployment: other settings are refused, and nobody meets an empty object. */
import { describe, expect, it } from 'vitest'
import { objectAt, type Places } from '../../src/placement.ts'
import type { Placement } from '../../src/ports/placement.ts'
import { api, must, testPassword } from '../support/client.ts'
import { startServer, type TestServer } from '../support/server.ts'

/** Workers can be asked for a jurisdiction on Cloudflare alone: this answers what it was asked for. */
type Id = { name: string; jurisdiction?: string }
const places = (jurisdiction?: string): Places<Id, [Id, object]> => ({
  jurisdiction: places,
  idFromName: (name) => ({ name, jurisdiction }),
  get: (id, options) => [id, options],
})

describe('an object', () => {
  it.each<[Placement, [Id, object]]>([
    [{}, [{ name: 'n' }, {}]],
    [{ locationHint: 'weur' }, [{ name: 'n' }, { locationHint: 'weur' }]],
    [{ jurisdiction: 'eu' }, [{ name: 'n', jurisdiction: 'eu' }, {}]],
    [
      { jurisdiction: 'eu', locationHint: 'eeur' },
      [{ name: 'n', jurisdiction: 'eu' }, { locationHint: 'eeur' }],
    ],
  ])('of a server with %j is asked for there', (placement, asked) => {
    expect(objectAt(places(), placement, 'n')).toEqual(asked)
  })
})

describe('a server whose settings name another place than that of its objects', () => {
  const placed = (server: TestServer) => server.pg('select jurisdiction, location_hint from placement')
  /** As a deployment does: new isolates, which know nothing yet. */
  const deployAgain = async (server: TestServer) => {
    server.redis.flush()
    await server.restart()
  }

  it('asks no object, ends no session, and goes on once the settings are as they were', async () => {
    const server = await startServer({ bindings: { LOCATION_HINT: 'weur' } })
    try {
      const alice = await api(server).register('alice')
      const room = await alice.createRoom()
      expect(await placed(server)).toEqual([{ jurisdiction: '', location_hint: 'weur' }])
      await server.pg("update placement set location_hint = 'eeur'")
      await deployAgain(server)
      const refused = await Promise.all([
        alice.get('/account/whoami'),
        alice.put(`/rooms/${room}/send/m.room.message/t`, { msgtype: 'm.text', body: 'lost?' }),
        alice.get('/sync'),
        api(server).request('POST', '/login', {
          type: 'm.login.password',
          user: 'alice',
          password: testPassword,
        }),
      ])
      expect(refused.map(({ status, body }) => [status, body.errcode])).toEqual(
        refused.map(() => [503, 'M_UNKNOWN']),
      )
      expect(refused[0]!.body.error).toBe(
        'The server is not set up as its data are. Its operator must mend that.',
      )
      expect((await fetch(`${server.url}/health`)).status).toBe(200)
      await server.pg("update placement set location_hint = 'weur'")
      must(await alice.get('/account/whoami'))
      await alice.say(room, 'found')
    } finally {
      await server.stop()
    }
  })

  it('is not asked for in Postgres where Redis has a copy, so that a start wakes nothing', async () => {
    const server = await startServer({ bindings: { LOCATION_HINT: 'weur' } })
    try {
      const alice = await api(server).register('alice')
      // Asked, Postgres would say no.
      await server.pg("update placement set location_hint = 'eeur'")
      await server.restart()
      must(await alice.get('/account/whoami'))
    } finally {
      await server.stop()
    }
  })

  it('is not noticed while both databases are away: rooms go on without them', async () => {
    const server = await startServer({ bindings: { LOCATION_HINT: 'weur' } })
    try {
      const alice = await api(server).register('alice')
      const room = await alice.createRoom()
      server.redis.stop()
      server.postgres.stop()
      await server.restart()
      await alice.say(room, 'without any')
    } finally {
      server.redis.start()
      server.postgres.start()
      await server.stop()
    }
  })

  it('is one that was there before the place was kept', async () => {
    const server = await startServer({ bindings: { JURISDICTION: 'eu' } })
    try {
      // As the migration leaves a database that holds accounts.
      await server.pg("insert into placement (jurisdiction, location_hint) values ('', '')")
      await expect(api(server).register('alice')).rejects.toThrow('503')
    } finally {
      await server.stop()
    }
  })
})
