/** A backup of more keys than one call deletes: others would wait for it. */
import { beforeEach, expect, it } from 'vitest'
import { type Client, must } from '../../../support/client.ts'
import { planFault } from '../../../support/faults.ts'
import { objectName } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'

/** A call deletes five thousand. */
const KEYS = 5_100
const ROOM = '!room:test.example'

const { server, http } = serving()
let alice: Client
let version: string
let names = 0

beforeEach(async () => {
  names += 1
  alice = await http.register(`alice${names}`)
  version = await begin()
  const key = { first_message_index: 0, forwarded_count: 0, is_verified: false, session_data: {} }
  const sessions = Object.fromEntries(Array.from({ length: KEYS }, (_, n) => [`s${n}`, key]))
  const path = `/room_keys/keys/${encodeURIComponent(ROOM)}?version=${version}`
  expect(must(await alice.put(path, { sessions })).body.count).toBe(KEYS)
})

async function begin(): Promise<string> {
  const body = { algorithm: 'm.megolm_backup.v1.curve25519-aes-sha2', auth_data: {} }
  return must(await alice.post('/room_keys/version', body)).body.version
}

const row = async (query: string) =>
  (await server.sql('USER', objectName.user(server.serverName, alice.userId), query))[0]
const keysLeft = async () => (await row('SELECT count(*) AS count FROM backup_keys'))?.count
const calls = async (operation: string): Promise<number> =>
  must(await http.request('GET', '/_selvedge/test/calls')).body[operation] ?? 0

it('is deleted with its version, by two calls', async () => {
  const before = await calls('user.deleteKeyBackup')
  must(await alice.delete(`/room_keys/version/${version}`))
  expect((await calls('user.deleteKeyBackup')) - before).toBe(2)
  expect(await keysLeft()).toBe(0)
  expect((await alice.get(`/room_keys/version/${version}`)).status).toBe(404)
})

it.each(['', `/${encodeURIComponent(ROOM)}`])('loses the keys at "%s" by two calls', async (place) => {
  const before = await calls('user.deleteBackedUpKeys')
  const { etag, count } = must(await alice.delete(`/room_keys/keys${place}?version=${version}`)).body
  expect((await calls('user.deleteBackedUpKeys')) - before).toBe(2)
  expect(count).toBe(0)
  expect(await keysLeft()).toBe(0)
  expect(must(await alice.get('/room_keys/version')).body).toMatchObject({ version, etag, count: 0 })
  expect(await row(`SELECT bytes FROM backup_versions WHERE version = ${version}`)).toEqual({ bytes: 0 })
})

it('of which a request deleted a part is gone for clients, and what is left goes with the next version', async () => {
  await planFault(http, 'key-backup:cut-off', 1)
  expect((await alice.delete(`/room_keys/version/${version}`)).status).toBe(503)
  expect((await alice.get(`/room_keys/keys?version=${version}`)).status).toBe(404)
  expect(await keysLeft()).toBe(KEYS - 5_000)
  const next = await begin()
  expect(await keysLeft()).toBe(0)
  expect(must(await alice.get('/room_keys/version')).body).toMatchObject({ version: next, count: 0 })
})

it('of which a request deleted a part is deleted by the same request again', async () => {
  await planFault(http, 'key-backup:cut-off', 1)
  expect((await alice.delete(`/room_keys/version/${version}`)).status).toBe(503)
  must(await alice.delete(`/room_keys/version/${version}`))
  expect(await keysLeft()).toBe(0)
})
