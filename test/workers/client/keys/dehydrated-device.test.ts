/** The dehydrated device (MSC3814): it takes encrypted messages while no client of the user is there. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { projectRoot } from '../../../../local/paths.ts'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import { type Body, type Client, must } from '../../../support/client.ts'
import { makeCrossSigning, makeDevice, signed, type TestDevice } from '../../../support/keys.ts'
import { objectName } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'

const PATH = '/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device'
const DATA = { algorithm: 'org.matrix.msc3814.v2', device_pickle: 'sealed', nonce: 'ä' }

const { server, http, someone } = serving()
let transactions = 0

function uploadOf(client: Client, deviceId: string): { device: TestDevice; body: JsonObject } {
  const device = makeDevice({ userId: client.userId, deviceId })
  const body = {
    device_id: deviceId,
    device_data: DATA,
    initial_device_display_name: 'Dehydrated device',
    device_keys: device.keys,
    one_time_keys: device.oneTimeKeys(2),
    fallback_keys: device.fallbackKey(),
  }
  return { device, body }
}

/** A user with a dehydrated device. */
async function withDevice(deviceId = 'SLEEPER') {
  const client = await someone()
  const { device, body } = uploadOf(client, deviceId)
  must(await client.put(PATH, body))
  return { client, device, body }
}

const outcome = ({ status, body }: { status: number; body: Body }) => [status, body.errcode]
const eventsPath = (deviceId: string) => `${PATH}/${deviceId}/events`

async function send(from: Client, to: Client, deviceId: string, content: JsonObject): Promise<void> {
  transactions += 1
  const messages = { [to.userId]: { [deviceId]: content } }
  must(await from.put(`/sendToDevice/m.room.encrypted/d${transactions}`, { messages }))
}

const keysOf = async (viewer: Client, of: Client): Promise<Body> =>
  must(await viewer.post('/keys/query', { device_keys: { [of.userId]: [] } })).body.device_keys[of.userId]

const claim = async (viewer: Client, of: Client, deviceId: string): Promise<Body> => {
  const asked = { one_time_keys: { [of.userId]: { [deviceId]: 'signed_curve25519' } } }
  return must(await viewer.post('/keys/claim', asked)).body.one_time_keys[of.userId]?.[deviceId]
}

describe('a dehydrated device', () => {
  it('comes back as it was uploaded', async () => {
    const { client } = await withDevice()
    expect((await client.get(PATH)).body).toEqual({ device_id: 'SLEEPER', device_data: DATA })
  })

  it('is not there until it is uploaded', async () => {
    const client = await someone()
    expect(outcome(await client.get(PATH))).toEqual([404, 'M_NOT_FOUND'])
    expect(outcome(await client.delete(PATH))).toEqual([404, 'M_NOT_FOUND'])
    expect(outcome(await client.get(eventsPath('SLEEPER')))).toEqual([404, 'M_NOT_FOUND'])
  })

  it('shows its keys to others, but has no session', async () => {
    const { client, device } = await withDevice()
    const viewer = await someone()
    expect((await keysOf(viewer, client)).SLEEPER).toEqual({
      ...device.keys,
      unsigned: { device_display_name: 'Dehydrated device' },
    })
    const { devices } = (await client.get('/devices')).body
    expect(devices.map((one: Body) => one.device_id)).toEqual([client.deviceId])
  })

  it('carries the signature that the client made on it before', async () => {
    const client = await someone()
    const cross = makeCrossSigning(client.userId)
    must(await client.post('/keys/device_signing/upload', cross.body))
    const { device, body } = uploadOf(client, 'SIGNED')
    const { publicKey } = cross.selfSigning
    body.device_keys = signed(device.keys, client.userId, publicKey, cross.selfSigning)
    must(await client.put(PATH, body))
    const { signatures } = (await keysOf(await someone(), client)).SIGNED
    expect(Object.keys(signatures[client.userId]).sort()).toEqual(
      ['ed25519:SIGNED', `ed25519:${publicKey}`].sort(),
    )
  })

  it('gives each of its one-time keys once, and then its fallback key', async () => {
    const { client } = await withDevice()
    const viewer = await someone()
    const given = await Promise.all([1, 2, 3, 4].map(() => claim(viewer, client, 'SLEEPER')))
    const ids = given.flatMap((keys) => Object.keys(keys)).sort()
    expect(ids).toEqual(['F', 'F', 'K0', 'K1'].map((id) => `signed_curve25519:${id}`))
  })

  it('is news for users that share a room', async () => {
    const [alice, bob] = [await someone(), await someone()]
    const room = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(room))
    const { next_batch: since } = must(await bob.sync()).body
    const waiting = bob.sync({ since, timeout: 10_000 })
    const { body } = uploadOf(alice, 'NEWS')
    must(await alice.put(PATH, body))
    expect((await waiting).body.device_lists.changed).toContain(alice.userId)
  })

  it('gives way to the next one, with its keys and its messages', async () => {
    const { client } = await withDevice('FIRST')
    const viewer = await someone()
    await send(viewer, client, 'FIRST', { n: 1 })
    must(await client.put(PATH, uploadOf(client, 'SECOND').body))
    expect(Object.keys(await keysOf(viewer, client))).toEqual(['SECOND'])
    expect(await claim(viewer, client, 'FIRST')).toBeUndefined()
    expect(outcome(await client.get(eventsPath('FIRST')))).toEqual([404, 'M_NOT_FOUND'])
    const user = objectName.user(server.serverName, client.userId)
    expect(await server.sql('USER', user, 'SELECT id FROM inbox')).toEqual([])
  })

  it('keeps its messages when the same upload is repeated', async () => {
    const { client, body } = await withDevice()
    await send(await someone(), client, 'SLEEPER', { n: 1 })
    must(await client.put(PATH, body))
    expect((await client.get(eventsPath('SLEEPER'))).body.events).toHaveLength(1)
  })

  it('is gone when it is deleted', async () => {
    const { client } = await withDevice()
    expect((await client.delete(PATH)).body).toEqual({ device_id: 'SLEEPER' })
    expect(outcome(await client.get(PATH))).toEqual([404, 'M_NOT_FOUND'])
    expect(await keysOf(await someone(), client)).toEqual({})
  })

  it('stays when a session ends, with what waits for it', async () => {
    const { client } = await withDevice()
    const other = await http.login(client.userId)
    await send(await someone(), client, 'SLEEPER', { n: 1 })
    must(await client.post('/logout'))
    expect((await other.get(PATH)).body.device_id).toBe('SLEEPER')
    expect((await other.get(eventsPath('SLEEPER'))).body.events).toHaveLength(1)
  })

  it('is gone when a device signs in with its ID', async () => {
    const { client } = await withDevice()
    must(await (await http.login(client.userId, { device_id: 'SLEEPER' })).get('/account/whoami'))
    expect(outcome(await client.get(PATH))).toEqual([404, 'M_NOT_FOUND'])
  })

  it('survives kill -9 and a rebuild', async () => {
    const { client } = await withDevice()
    const viewer = await someone()
    await send(viewer, client, 'SLEEPER', { n: 1 })
    await server.restart()
    expect((await client.get(PATH)).body.device_data).toEqual(DATA)
    await rebuild(client.userId)
    expect((await client.get(PATH)).body.device_data).toEqual(DATA)
    expect(Object.keys(await keysOf(viewer, client))).toContain('SLEEPER')
    expect(Object.keys(await claim(viewer, client, 'SLEEPER'))).toEqual(['signed_curve25519:F'])
    expect((await client.get(eventsPath('SLEEPER'))).body.events).toHaveLength(1)
  })
})

describe('the messages of a dehydrated device', () => {
  it('come page by page until an empty page, and are still there for a second request', async () => {
    const { client } = await withDevice()
    const sender = await someone()
    for (let n = 0; n < 5; n += 1) await send(sender, client, n % 2 === 0 ? 'SLEEPER' : '*', { n })
    const viaGet = (from?: string) => client.get(eventsPath('SLEEPER'), { from, limit: 2 })
    const viaPost = (from?: string) =>
      client.post(`${eventsPath('SLEEPER')}?limit=2`, from === undefined ? {} : { next_batch: from })
    for (const ask of [viaGet, viaPost, viaGet]) {
      const pages: number[][] = []
      let from: string | undefined
      do {
        const { body } = must(await ask(from))
        pages.push(body.events.map((event: Body) => event.content.n))
        from = body.next_batch
      } while (from !== undefined)
      expect(pages).toEqual([[0, 1], [2, 3], [4], []])
    }
    const { events } = (await viaGet()).body
    expect(events[0]).toEqual({ sender: sender.userId, type: 'm.room.encrypted', content: { n: 0 } })
  })

  it('do not come to the devices that are signed in', async () => {
    const { client } = await withDevice()
    await send(await someone(), client, 'SLEEPER', { n: 1 })
    expect((await client.sync()).body.to_device).toBeUndefined()
  })

  it('are for the user alone', async () => {
    const { client } = await withDevice()
    const other = await someone()
    expect(outcome(await other.get(eventsPath('SLEEPER')))).toEqual([404, 'M_NOT_FOUND'])
    expect((await http.request('GET', eventsPath('SLEEPER'))).status).toBe(401)
    for (const method of ['GET', 'PUT', 'DELETE']) {
      expect(outcome(await http.request(method, PATH, method === 'PUT' ? {} : undefined))).toEqual([
        401,
        'M_MISSING_TOKEN',
      ])
    }
    expect(outcome(await client.get(eventsPath('SLEEPER'), { from: 'x' }))).toEqual([400, 'M_INVALID_PARAM'])
  })
})

describe('an upload is refused, and changes nothing,', () => {
  it.each<[string, (body: JsonObject, client: Client) => JsonObject, string]>([
    ['without keys', ({ device_keys: _, ...body }) => body, 'M_MISSING_PARAM'],
    ['without data', ({ device_data: _, ...body }) => body, 'M_MISSING_PARAM'],
    ['with data of no algorithm', (body) => ({ ...body, device_data: {} }), 'M_MISSING_PARAM'],
    ['with keys of another device', (body) => ({ ...body, device_id: 'OTHER' }), 'M_INVALID_PARAM'],
    [
      'by the name of a session',
      (body, { deviceId }) => ({ ...body, device_id: deviceId }),
      'M_INVALID_PARAM',
    ],
    [
      'with keys that are none',
      (body) => ({ ...body, device_keys: { ...(body.device_keys as JsonObject), algorithms: null } }),
      'M_BAD_JSON',
    ],
  ])('%s', async (_, change, errcode) => {
    const { client } = await withDevice('KEPT')
    const { body } = uploadOf(client, 'NEXT')
    const answer = await client.put(PATH, change(body, client))
    expect(answer.body.errcode).toBe(errcode)
    expect((await client.get(PATH)).body.device_id).toBe('KEPT')
    expect(Object.keys(await keysOf(client, client))).toEqual(['KEPT'])
  })
})

async function rebuild(userId: string): Promise<void> {
  const flags = ['--public-url', server.url, '--server-name', server.serverName, '--data-dir', server.folder]
  const command = [
    '--disable-warning=ExperimentalWarning',
    'local/commands/rebuild.ts',
    'user',
    userId,
    ...flags,
  ]
  await promisify(execFile)(process.execPath, command, { cwd: projectRoot })
}
