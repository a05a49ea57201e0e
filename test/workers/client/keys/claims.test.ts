/** One-time keys: each is handed out once. */
import { describe, expect, it } from 'vitest'
import { must } from '../../../support/client.ts'
import { waitingPoll } from '../../../support/faults.ts'
import { claimOf, withKeys } from '../../../support/keys.ts'
import { serving } from '../../../support/serving.ts'

const { server, http, someone } = serving()

describe('a claim', () => {
  it('made a hundred times at once hands out each of fifty keys once', async () => {
    const { client } = await withKeys(someone, 50)
    const viewer = await someone()
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => viewer.post('/keys/claim', claimOf(client))),
    )
    const given = answers.flatMap(({ body }) =>
      Object.keys(body.one_time_keys[client.userId]?.[client.deviceId] ?? {}),
    )
    expect([given.length, new Set(given).size]).toEqual([50, 50])
  })

  it('takes the oldest key first, then the fallback key, which counts as used from then on', async () => {
    const { client, device } = await withKeys(someone, 2)
    const fallback = device.oneTimeKeys(1, 900)
    must(await client.post('/keys/upload', { fallback_keys: fallback }))
    expect(must(await client.sync()).body.device_unused_fallback_key_types).toEqual(['signed_curve25519'])
    const viewer = await someone()
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
    const { client, device } = await withKeys(someone)
    for (const from of [7, 3, 5]) {
      must(await client.post('/keys/upload', { one_time_keys: device.oneTimeKeys(1, from) }))
    }
    const viewer = await someone()
    const given: string[] = []
    for (let i = 0; i < 3; i += 1) {
      const { body } = must(await viewer.post('/keys/claim', claimOf(client)))
      given.push(...Object.keys(body.one_time_keys[client.userId][client.deviceId]))
    }
    expect(given).toEqual(['K7', 'K3', 'K5'].map((id) => `signed_curve25519:${id}`))
  })

  it('of missing keys too is answered with the keys that exist', async () => {
    const { client } = await withKeys(someone, 1)
    const { userId, deviceId } = client
    const { body } = must(
      await (await someone()).post('/keys/claim', {
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
    const none = must(await (await someone()).post('/keys/claim', other)).body
    expect(none.one_time_keys[userId]?.[deviceId] ?? {}).toEqual({})
  })

  it('does not get a key again, even if its owner uploads it a second time', async () => {
    const { client, device } = await withKeys(someone)
    const keys = device.oneTimeKeys(1)
    must(await client.post('/keys/upload', { one_time_keys: keys }))
    const viewer = await someone()
    must(await viewer.post('/keys/claim', claimOf(client)))
    must(await client.post('/keys/upload', { one_time_keys: keys }))
    expect(must(await viewer.post('/keys/claim', claimOf(client))).body.one_time_keys).toEqual({})
  })

  it('tells a waiting poll how many keys are left', async () => {
    const { client } = await withKeys(someone, 2)
    const since = must(await client.sync()).body.next_batch
    const viewer = await someone()
    const { answer } = await waitingPoll(http, client, { since, timeout: 2_000 })
    must(await viewer.post('/keys/claim', claimOf(client)))
    expect(must(await answer).body.device_one_time_keys_count).toEqual({ signed_curve25519: 1 })
  })

  it('that was answered is remembered when the server is killed', async () => {
    const { client } = await withKeys(someone, 20)
    const viewer = await someone()
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

  it('whose answer was lost gives its key to no other claim', async () => {
    const { client } = await withKeys(someone, 2)
    const viewer = await someone()
    must(await http.request('POST', '/_selvedge/test/faults', { name: 'user:abort-after-commit', count: 1 }))
    const lost = must(await viewer.post('/keys/claim', claimOf(client))).body
    expect([lost.one_time_keys, Object.keys(lost.failures)]).toEqual([{}, ['test.example']])
    const { body } = must(await viewer.post('/keys/claim', claimOf(client)))
    expect(Object.keys(body.one_time_keys[client.userId][client.deviceId])).toEqual(['signed_curve25519:K1'])
  })
})
