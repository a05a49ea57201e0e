/** Keys of devices: uploaded and asked for. */
import { describe, expect, it } from 'vitest'
import { type Body, type Client, must } from '../../../support/client.ts'
import { claimOf, makeDevice, makeKey, signed, withKeys } from '../../../support/keys.ts'
import { serving } from '../../../support/serving.ts'

const { someone } = serving()

const query = async (client: Client, userId: string, devices: string[] = []): Promise<Body> =>
  must(await client.post('/keys/query', { device_keys: { [userId]: devices } })).body

describe('an upload', () => {
  it('answers how many one-time keys are left, and sync says the same', async () => {
    const { client } = await withKeys(someone, 3)
    const { body } = must(await client.post('/keys/upload', {}))
    expect(body).toEqual({ one_time_key_counts: { signed_curve25519: 3 } })
    const sync = must(await client.sync()).body
    expect(sync.device_one_time_keys_count).toEqual({ signed_curve25519: 3 })
    expect(sync.device_unused_fallback_key_types).toEqual([])
  })

  it('is counted by algorithm, with a zero if none are left', async () => {
    const { client } = await withKeys(someone)
    must(await client.post('/keys/upload', { one_time_keys: { 'curve25519:AAAA': makeKey().publicKey } }))
    const counts = must(await client.post('/keys/upload', {})).body.one_time_key_counts
    expect(counts).toEqual({ curve25519: 1, signed_curve25519: 0 })
    expect(must(await client.sync()).body.device_one_time_keys_count).toEqual(counts)
  })

  it('keeps one fallback key of an algorithm: the same again stays used, a new one is unused', async () => {
    const { client, device } = await withKeys(someone)
    const [first, second] = [device.fallbackKey(), device.fallbackKey()]
    const viewer = await someone()
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

  it('is counted in every sync, even in one with nothing else to tell', async () => {
    const { client, device } = await withKeys(someone, 2)
    must(await client.post('/keys/upload', { fallback_keys: device.fallbackKey() }))
    let since: string | undefined
    for (let i = 0; i < 3; i += 1) {
      const { body } = must(await client.sync({ since, timeout: i === 2 ? 200 : 0 }))
      expect(body.device_one_time_keys_count).toEqual({ signed_curve25519: 2 })
      expect(body.device_unused_fallback_key_types).toEqual(['signed_curve25519'])
      since = body.next_batch
    }
  })

  it('is refused for another user, and for keys that name another user', async () => {
    const client = await someone()
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
    const client = await someone()
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
    const client = await someone()
    const device_keys = { ...makeDevice(client).keys, ...change }
    must(await client.post('/keys/upload', { device_keys }))
    const { device_keys: shown } = await query(client, client.userId)
    expect(shown[client.userId][client.deviceId]).toEqual(device_keys)
  })

  it('of the same keys with further signatures stores these, and keeps the one-time keys', async () => {
    const { client, device } = await withKeys(someone)
    must(await client.post('/keys/upload', { one_time_keys: device.oneTimeKeys(2) }))
    const device_keys = signed(device.keys, client.userId, 'MORE', makeKey())
    const { body } = must(await client.post('/keys/upload', { device_keys }))
    expect(body.one_time_key_counts).toEqual({ signed_curve25519: 2 })
    const { device_keys: shown } = await query(client, client.userId)
    expect(shown[client.userId][client.deviceId].signatures).toEqual(device_keys.signatures)
  })

  it('stores one-time and fallback keys with any signatures', async () => {
    const { client } = await withKeys(someone)
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
    const { client, device } = await withKeys(someone)
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

  it('of too many keys is refused', async () => {
    const { client, device } = await withKeys(someone)
    const answer = await client.post('/keys/upload', { one_time_keys: device.oneTimeKeys(501) })
    expect(answer.body.errcode).toBe('M_INVALID_PARAM')
    const { body } = must(await client.post('/keys/upload', {}))
    expect(body.one_time_key_counts).toEqual({ signed_curve25519: 0 })
  })
})

describe('a query', () => {
  it('shows the requested devices with their names, and fails only for other servers', async () => {
    const { client, device } = await withKeys(someone)
    const viewer = await someone()
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

  it('of more users than one invocation can ask is answered whole', async () => {
    const { client } = await withKeys(someone)
    const many = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`@nobody${i}:test.example`, []]))
    const { body } = must(await client.post('/keys/query', { device_keys: { ...many, [client.userId]: [] } }))
    expect(Object.keys(body.device_keys)).toHaveLength(61)
    expect(Object.keys(body.device_keys[client.userId])).toEqual([client.deviceId])
  })

  it('does not show a device that was deleted', async () => {
    const { client } = await withKeys(someone)
    const viewer = await someone()
    must(await client.post('/logout'))
    expect((await query(viewer, client.userId)).device_keys[client.userId]).toEqual({})
    expect((await viewer.post('/keys/claim', claimOf(client))).body.one_time_keys).toEqual({})
  })
})
