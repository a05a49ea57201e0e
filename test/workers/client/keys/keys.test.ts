/** Keys of devices: uploaded, asked for, handed out once. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, api, type Body, type Client, must } from '../../../support/client.ts'
import { waitingPoll } from '../../../support/faults.ts'
import { makeDevice, makeKey, signed, type TestDevice } from '../../../support/keys.ts'
import { startServer, type TestServer } from '../../../support/server.ts'

let server: TestServer
let http: Api
let names = 0

beforeAll(async () => {
  server = await startServer()
  http = api(server)
})
afterAll(() => server?.stop())

async function person(): Promise<Client> {
  names += 1
  return http.register(`person${names}`)
}

async function withKeys(oneTimeKeys = 0): Promise<{ client: Client; device: TestDevice }> {
  const client = await person()
  const device = makeDevice(client)
  const body = { device_keys: device.keys, one_time_keys: device.oneTimeKeys(oneTimeKeys) }
  must(await client.post('/keys/upload', body))
  return { client, device }
}

const claimOf = ({ userId, deviceId }: Client) => ({
  one_time_keys: { [userId]: { [deviceId]: 'signed_curve25519' } },
})
const query = async (client: Client, userId: string, devices: string[] = []): Promise<Body> =>
  must(await client.post('/keys/query', { device_keys: { [userId]: devices } })).body

describe('an upload', () => {
  it('answers how many one-time keys are left, and sync says the same', async () => {
    const { client } = await withKeys(3)
    const { body } = must(await client.post('/keys/upload', {}))
    expect(body).toEqual({ one_time_key_counts: { signed_curve25519: 3 } })
    const sync = must(await client.sync()).body
    expect(sync.device_one_time_keys_count).toEqual({ signed_curve25519: 3 })
    expect(sync.device_unused_fallback_key_types).toEqual([])
  })

  it('is counted by algorithm, those with none left by a nought', async () => {
    const { client } = await withKeys()
    must(await client.post('/keys/upload', { one_time_keys: { 'curve25519:AAAA': makeKey().publicKey } }))
    const counts = must(await client.post('/keys/upload', {})).body.one_time_key_counts
    expect(counts).toEqual({ curve25519: 1, signed_curve25519: 0 })
    expect(must(await client.sync()).body.device_one_time_keys_count).toEqual(counts)
  })

  it('keeps one fallback key of an algorithm: the same again stays used, a new one is unused', async () => {
    const { client, device } = await withKeys()
    const [first, second] = [device.fallbackKey(), device.fallbackKey()]
    const viewer = await person()
    const claim = async () =>
      must(await viewer.post('/keys/claim', claimOf(client))).body.one_time_keys[client.userId][
        client.deviceId
      ]
    const unused = async (since?: string) =>
      must(await client.sync({ ...(since !== undefined && { since }) })).body.device_unused_fallback_key_types
    must(await client.post('/keys/upload', { fallback_keys: first }))
    expect(await claim()).toEqual(first)
    must(await client.post('/keys/upload', { fallback_keys: first }))
    expect(await unused()).toEqual([])
    must(await client.post('/keys/upload', { fallback_keys: second }))
    expect(await unused()).toEqual(['signed_curve25519'])
    expect(await claim()).toEqual(second)
    expect(await unused()).toEqual([])
  })

  it('is told in every sync, also in those that have nothing else to tell', async () => {
    const { client, device } = await withKeys(2)
    must(await client.post('/keys/upload', { fallback_keys: device.fallbackKey() }))
    let since: string | undefined
    for (let i = 0; i < 3; i += 1) {
      const { body } = must(await client.sync({ since, timeout: i === 2 ? 200 : 0 }))
      expect(body.device_one_time_keys_count).toEqual({ signed_curve25519: 2 })
      expect(body.device_unused_fallback_key_types).toEqual(['signed_curve25519'])
      since = body.next_batch
    }
  })

  it('is refused for another user, and for keys that say another user', async () => {
    const client = await person()
    const other = makeDevice({ userId: '@other:test.example', deviceId: client.deviceId })
    const { keys } = makeDevice(client)
    for (const device_keys of [
      other.keys,
      { ...keys, user_id: '@other:test.example' },
      { ...keys, device_id: 'X' },
    ]) {
      const answer = await client.post('/keys/upload', { device_keys })
      expect([answer.status, answer.body.errcode]).toEqual([400, 'M_INVALID_PARAM'])
    }
    expect((await query(client, client.userId)).device_keys[client.userId]).toEqual({})
  })

  it('is refused for another device', async () => {
    const client = await person()
    const other = makeDevice({ ...client, deviceId: 'OTHER' })
    const wrongDevice = await client.post('/keys/upload', { device_keys: other.keys })
    expect([wrongDevice.status, wrongDevice.body.errcode]).toEqual([400, 'M_INVALID_PARAM'])
    expect((await query(client, client.userId)).device_keys[client.userId]).toEqual({})
  })

  it.each([
    ['unsigned', { signatures: {} }],
    ['whose signature is not good', { algorithms: ['org.example.changed'] }],
    ['that have no key to sign by', { keys: { 'org.example:X': 'x' } }],
    ['signed by somebody else as well', { signatures: { '@eve:test.example': { 'ed25519:E': 'x' } } }],
    ['with fields of their own', { 'org.example.field': 1 }],
  ])('stores keys %s as they are given, and shows them so', async (_, change) => {
    const client = await person()
    const device_keys = { ...makeDevice(client).keys, ...change }
    must(await client.post('/keys/upload', { device_keys }))
    const { device_keys: shown } = await query(client, client.userId)
    expect(shown[client.userId][client.deviceId]).toEqual(device_keys)
  })

  it('of the same keys with further signatures stores these, and keeps the one-time keys', async () => {
    const { client, device } = await withKeys()
    must(await client.post('/keys/upload', { one_time_keys: device.oneTimeKeys(2) }))
    const device_keys = signed(device.keys, client.userId, 'MORE', makeKey())
    const { body } = must(await client.post('/keys/upload', { device_keys }))
    expect(body.one_time_key_counts).toEqual({ signed_curve25519: 2 })
    const { device_keys: shown } = await query(client, client.userId)
    expect(shown[client.userId][client.deviceId].signatures).toEqual(device_keys.signatures)
  })

  it('stores one-time and fallback keys with any signatures', async () => {
    const { client } = await withKeys()
    const one_time_keys = { 'signed_curve25519:A': { key: 'a', signatures: {} } }
    const fallback_keys = { 'signed_curve25519:F': { key: 'f', fallback: true, signatures: {} } }
    must(await client.post('/keys/upload', { one_time_keys, fallback_keys }))
    const claim = { one_time_keys: { [client.userId]: { [client.deviceId]: 'signed_curve25519' } } }
    for (const given of [one_time_keys, fallback_keys]) {
      const { body } = must(await client.post('/keys/claim', claim))
      expect(body.one_time_keys[client.userId][client.deviceId]).toEqual(given)
    }
  })

  it('takes the same one-time key again, and refuses another under its id', async () => {
    const { client, device } = await withKeys()
    const keys = device.oneTimeKeys(1)
    must(await client.post('/keys/upload', { one_time_keys: keys }))
    expect(must(await client.post('/keys/upload', { one_time_keys: keys })).body.one_time_key_counts).toEqual(
      {
        signed_curve25519: 1,
      },
    )
    const other = await client.post('/keys/upload', { one_time_keys: device.oneTimeKeys(1) })
    expect([other.status, other.body.errcode]).toEqual([400, 'M_INVALID_PARAM'])
  })

  it('of absurdly many keys is refused', async () => {
    const { client, device } = await withKeys()
    const answer = await client.post('/keys/upload', { one_time_keys: device.oneTimeKeys(501) })
    expect(answer.body.errcode).toBe('M_INVALID_PARAM')
    const { body } = must(await client.post('/keys/upload', {}))
    expect(body.one_time_key_counts).toEqual({ signed_curve25519: 0 })
  })
})

describe('a query', () => {
  it('shows the devices named with their names, and fails for other servers alone', async () => {
    const { client, device } = await withKeys()
    const viewer = await person()
    must(await client.put(`/devices/${client.deviceId}`, { display_name: 'Phone' }))
    const { body } = must(
      await viewer.post('/keys/query', {
        device_keys: { [client.userId]: [client.deviceId, 'NONE'], '@x:elsewhere.example': [] },
      }),
    )
    expect(body.device_keys).toEqual({
      [client.userId]: {
        [client.deviceId]: { ...device.keys, unsigned: { device_display_name: 'Phone' } },
      },
    })
    expect(Object.keys(body.failures)).toEqual(['elsewhere.example'])
  })

  it('of more users than one invocation asks is answered whole', async () => {
    const { client } = await withKeys()
    const many = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`@nobody${i}:test.example`, []]))
    const { body } = must(await client.post('/keys/query', { device_keys: { ...many, [client.userId]: [] } }))
    expect(Object.keys(body.device_keys)).toHaveLength(61)
    expect(Object.keys(body.device_keys[client.userId])).toEqual([client.deviceId])
  })

  it('does not show a device that was deleted', async () => {
    const { client } = await withKeys()
    const viewer = await person()
    must(await client.post('/logout'))
    expect((await query(viewer, client.userId)).device_keys[client.userId]).toEqual({})
    expect((await viewer.post('/keys/claim', claimOf(client))).body.one_time_keys).toEqual({})
  })
})

describe('a claim', () => {
  it('made a hundred times at once hands out fifty keys once each', async () => {
    const { client } = await withKeys(50)
    const viewer = await person()
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => viewer.post('/keys/claim', claimOf(client))),
    )
    const given = answers.flatMap(({ body }) =>
      Object.keys(body.one_time_keys[client.userId]?.[client.deviceId] ?? {}),
    )
    expect([given.length, new Set(given).size]).toEqual([50, 50])
  })

  it('takes the oldest key first, then the fallback key, which counts as used from then on', async () => {
    const { client, device } = await withKeys(2)
    const fallback = device.oneTimeKeys(1, 900)
    must(await client.post('/keys/upload', { fallback_keys: fallback }))
    expect(must(await client.sync()).body.device_unused_fallback_key_types).toEqual(['signed_curve25519'])
    const viewer = await person()
    const given: string[] = []
    for (let i = 0; i < 4; i += 1) {
      const { body } = must(await viewer.post('/keys/claim', claimOf(client)))
      given.push(...Object.keys(body.one_time_keys[client.userId][client.deviceId]))
    }
    const names = ['K0', 'K1', 'K900', 'K900'].map((id) => `signed_curve25519:${id}`)
    expect(given).toEqual(names)
    expect(must(await client.sync()).body.device_unused_fallback_key_types).toEqual([])
  })

  it('takes the keys of an earlier upload first, whatever they are called', async () => {
    const { client, device } = await withKeys()
    for (const from of [7, 3, 5]) {
      must(await client.post('/keys/upload', { one_time_keys: device.oneTimeKeys(1, from) }))
    }
    const viewer = await person()
    const given: string[] = []
    for (let i = 0; i < 3; i += 1) {
      const { body } = must(await viewer.post('/keys/claim', claimOf(client)))
      given.push(...Object.keys(body.one_time_keys[client.userId][client.deviceId]))
    }
    expect(given).toEqual(['K7', 'K3', 'K5'].map((id) => `signed_curve25519:${id}`))
  })

  it('of what is not there is answered with what is', async () => {
    const { client } = await withKeys(1)
    const { userId, deviceId } = client
    const { body } = must(
      await (await person()).post('/keys/claim', {
        one_time_keys: {
          [userId]: { [deviceId]: 'signed_curve25519', NONE: 'signed_curve25519' },
          '@nobody:test.example': { X: 'signed_curve25519' },
          '@far:elsewhere.example': { X: 'signed_curve25519' },
        },
      }),
    )
    expect(Object.keys(body.one_time_keys[userId])).toEqual([deviceId])
    expect(Object.keys(body.one_time_keys['@nobody:test.example'] ?? {})).toEqual([])
    expect(Object.keys(body.failures)).toEqual(['elsewhere.example'])
    const other = { one_time_keys: { [userId]: { [deviceId]: 'unknown_algorithm' } } }
    const none = must(await (await person()).post('/keys/claim', other)).body
    expect(none.one_time_keys[userId]?.[deviceId] ?? {}).toEqual({})
  })

  it('does not get a key again that its owner uploads a second time', async () => {
    const { client, device } = await withKeys()
    const keys = device.oneTimeKeys(1)
    must(await client.post('/keys/upload', { one_time_keys: keys }))
    const viewer = await person()
    must(await viewer.post('/keys/claim', claimOf(client)))
    must(await client.post('/keys/upload', { one_time_keys: keys }))
    expect(must(await viewer.post('/keys/claim', claimOf(client))).body.one_time_keys).toEqual({})
  })

  it('tells a waiting poll how many keys are left', async () => {
    const { client } = await withKeys(2)
    const since = must(await client.sync()).body.next_batch
    const viewer = await person()
    const { answer } = await waitingPoll(http, client, { since, timeout: 2_000 })
    must(await viewer.post('/keys/claim', claimOf(client)))
    expect(must(await answer).body.device_one_time_keys_count).toEqual({ signed_curve25519: 1 })
  })

  it('that was answered is not forgotten when the server is killed', async () => {
    const { client } = await withKeys(20)
    const viewer = await person()
    const claim = async () => {
      const { body } = must(await viewer.post('/keys/claim', claimOf(client)))
      return Object.keys(body.one_time_keys[client.userId]?.[client.deviceId] ?? {})
    }
    const before = (await Promise.all(Array.from({ length: 8 }, claim))).flat()
    await server.restart()
    const after = (await Promise.all(Array.from({ length: 20 }, claim))).flat()
    expect(new Set([...before, ...after]).size).toBe(20)
    expect(before.length + after.length).toBe(20)
  })

  it('whose answer was lost hands its key to no other', async () => {
    const { client } = await withKeys(2)
    const viewer = await person()
    must(await http.request('POST', '/_selvedge/test/faults', { name: 'user:abort-after-commit', count: 1 }))
    const lost = must(await viewer.post('/keys/claim', claimOf(client))).body
    expect([lost.one_time_keys, Object.keys(lost.failures)]).toEqual([{}, ['test.example']])
    const { body } = must(await viewer.post('/keys/claim', claimOf(client)))
    expect(Object.keys(body.one_time_keys[client.userId][client.deviceId])).toEqual(['signed_curve25519:K1'])
  })
})
