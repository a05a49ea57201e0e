/** What a closed account leaves of its encryption: nothing, here and in the archive, also after a rebuild. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { projectRoot } from '../../../../local/paths.ts'
import { type Body, type Client, must, proof } from '../../../support/client.ts'
import { makeCrossSigning, makeDevice, signed } from '../../../support/keys.ts'
import { objectName } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'

const DEHYDRATED = '/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device'
/** The object's tables, and the archive's kinds, of all that has to do with keys and devices. */
const TABLES = [
  'devices',
  'device_keys',
  'one_time_keys',
  'fallback_keys',
  'dehydrated_device',
  'cross_signing_keys',
  'key_signatures',
  'backup_versions',
  'backup_keys',
  'pushers',
  'inbox',
]
const KINDS = [
  'device',
  'device_keys',
  'dehydrated_device',
  'cross_signing_key',
  'key_signature',
  'backup_version',
  'backup_key',
  'pusher',
]

const { server, http, alice, bob, gone } = serving(['alice', 'bob', 'gone'])

const user = () => objectName.user(server.serverName, gone.userId)
const held = async (): Promise<string[]> => {
  const columns = TABLES.map((table) => `EXISTS (SELECT 1 FROM "${table}") AS "${table}"`)
  const [row = {}] = await server.sql('USER', user(), `SELECT ${columns.join(', ')}`)
  return TABLES.filter((table) => row[table] === 1)
}
const archivedKinds = async (): Promise<string[]> => {
  const query =
    'select distinct kind from user_records where user_id = $1 and kind = any($2) and body is not null'
  const rows = await server.pg(query, [gone.userId, `{${KINDS.join(',')}}`])
  return rows.map(({ kind }) => String(kind))
}
const settled = () => server.sql('USER', user(), 'SELECT seq FROM log')
const seenBy = async (viewer: Client): Promise<Body> =>
  must(await viewer.post('/keys/query', { device_keys: { [gone.userId]: [] } })).body

/** Everything that an account can have. */
async function furnish(): Promise<void> {
  const device = makeDevice(gone)
  const cross = makeCrossSigning(gone.userId)
  must(
    await gone.post('/keys/upload', {
      device_keys: device.keys,
      one_time_keys: device.oneTimeKeys(3),
      fallback_keys: device.fallbackKey(),
    }),
  )
  must(await gone.post('/keys/device_signing/upload', cross.body))
  const { publicKey } = cross.selfSigning
  const bySelf = signed(device.keys, gone.userId, publicKey, cross.selfSigning)
  must(await gone.post('/keys/signatures/upload', { [gone.userId]: { [gone.deviceId]: bySelf } }))
  const asleep = makeDevice({ userId: gone.userId, deviceId: 'ASLEEP' })
  const device_data = { algorithm: 'org.matrix.msc3814.v2', device_pickle: 'sealed' }
  const upload = { device_id: 'ASLEEP', device_data, device_keys: asleep.keys }
  must(await http.request('PUT', DEHYDRATED, upload, { token: gone.token }))
  const algorithm = 'm.megolm_backup.v1.curve25519-aes-sha2'
  const key = { first_message_index: 0, forwarded_count: 0, is_verified: true, session_data: { c: 'text' } }
  for (let i = 0; i < 2; i += 1) {
    const { version } = must(await gone.post('/room_keys/version', { algorithm, auth_data: {} })).body
    const rooms = { '!r:test.example': { sessions: { one: key, two: key } } }
    must(await gone.put(`/room_keys/keys?version=${version}`, { rooms }))
  }
  must(
    await gone.post('/pushers/set', {
      ...{ app_id: 'app', pushkey: 'key', kind: 'http', lang: 'en' },
      ...{ app_display_name: 'App', device_display_name: 'Phone' },
      data: { url: 'https://127.0.0.1:1/_matrix/push/v1/notify' },
    }),
  )
  must(await bob.put('/sendToDevice/m.dummy/1', { messages: { [gone.userId]: { '*': { n: 1 } } } }))
}

it('removes all keys, backups, pushers and waiting messages, and tells the users that share a room', async () => {
  const room = await alice.createRoom({ preset: 'public_chat' })
  must(await gone.join(room))
  await furnish()
  expect(new Set(await held())).toEqual(new Set(TABLES))
  await expect.poll(settled, { timeout: 10_000 }).toEqual([])
  expect(new Set(await archivedKinds())).toEqual(new Set(KINDS))
  let { next_batch: since } = must(await alice.sync()).body

  const auth = proof(gone.userId)
  must(await gone.post('/account/deactivate', { auth }))
  expect(await held()).toEqual([])
  const told = new Set<string>()
  for (let i = 0; i < 20 && !told.has(gone.userId); i += 1) {
    const { body } = must(await alice.sync({ since, timeout: 500 }))
    for (const userId of [...(body.device_lists?.changed ?? []), ...(body.device_lists?.left ?? [])]) {
      told.add(userId)
    }
    since = body.next_batch
  }
  expect([...told]).toEqual([gone.userId])

  const nothing = async () => {
    const seen = await seenBy(alice)
    expect(seen.device_keys[gone.userId]).toEqual({})
    expect([seen.master_keys, seen.self_signing_keys]).toEqual([{}, {}])
    const claim = { [gone.userId]: { [gone.deviceId]: 'signed_curve25519', ASLEEP: 'signed_curve25519' } }
    expect(must(await alice.post('/keys/claim', { one_time_keys: claim })).body.one_time_keys).toEqual({})
  }
  await nothing()
  must(await bob.put('/sendToDevice/m.dummy/2', { messages: { [gone.userId]: { '*': { n: 2 } } } }))
  expect(await held()).toEqual([])
  await expect.poll(settled, { timeout: 10_000 }).toEqual([])
  expect(await archivedKinds()).toEqual([])

  await promisify(execFile)(
    process.execPath,
    [
      ...['--disable-warning=ExperimentalWarning', 'local/commands/rebuild.ts', 'user', gone.userId],
      ...['--public-url', server.url, '--server-name', server.serverName, '--data-dir', server.folder],
    ],
    { cwd: projectRoot },
  )
  expect(await held()).toEqual([])
  await nothing()
})
