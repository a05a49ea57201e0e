/** Cross-signing keys and signatures: who may replace them, which are good, and who sees them. */
import { describe, expect, it } from 'vitest'
import { type Body, type Client, must, proof } from '../../../support/client.ts'
import { makeCrossSigning, makeDevice, makeKey, signed } from '../../../support/keys.ts'
import { serving } from '../../../support/serving.ts'

const { http, someone } = serving()

async function withCrossSigning() {
  const client = await someone()
  const device = makeDevice(client)
  const keys = makeCrossSigning(client.userId)
  must(await client.post('/keys/upload', { device_keys: device.keys }))
  must(await client.post('/keys/device_signing/upload', keys.body))
  return { client, device, keys }
}

const query = async (client: Client, userId: string): Promise<Body> =>
  must(await client.post('/keys/query', { device_keys: { [userId]: [] } })).body

describe('cross-signing keys', () => {
  it('are taken without a password at first, and when they are the same again', async () => {
    const { client, keys } = await withCrossSigning()
    must(await client.post('/keys/device_signing/upload', keys.body))
    const { body } = must(await client.post('/keys/query', { device_keys: { [client.userId]: [] } }))
    expect(body.master_keys[client.userId].keys).toEqual(keys.body.master_key.keys)
    expect(body.user_signing_keys[client.userId].keys).toEqual(keys.body.user_signing_key.keys)
  })

  it('are replaced only when the user proves their identity', async () => {
    const { client, keys } = await withCrossSigning()
    const next = makeCrossSigning(client.userId)
    const refused = await client.post('/keys/device_signing/upload', next.body)
    expect([refused.status, refused.body.flows]).toEqual([401, [{ stages: ['m.login.password'] }]])
    expect((await query(client, client.userId)).master_keys[client.userId].keys).toEqual(
      keys.body.master_key.keys,
    )
    const auth = proof(client.userId, { session: refused.body.session })
    const wrong = { ...auth, password: 'wrong' }
    expect((await client.post('/keys/device_signing/upload', { ...next.body, auth: wrong })).status).toBe(401)
    must(await client.post('/keys/device_signing/upload', { ...next.body, auth }))
    expect((await query(client, client.userId)).master_keys[client.userId].keys).toEqual(
      next.body.master_key.keys,
    )
  })

  it('of one usage are replaced or added only when the user proves their identity', async () => {
    const client = await someone()
    const { body, master } = makeCrossSigning(client.userId)
    const { user_signing_key: later, ...first } = body
    must(await client.post('/keys/device_signing/upload', first))
    must(await client.post('/keys/device_signing/upload', { master_key: first.master_key }))
    const other = makeCrossSigning(client.userId)
    const { signatures: _, ...bare } = other.body.self_signing_key
    const replaced = signed(bare, client.userId, master.publicKey, master)
    for (const keys of [{ self_signing_key: replaced }, { user_signing_key: later }]) {
      expect((await client.post('/keys/device_signing/upload', keys)).status).toBe(401)
    }
    const seen = await query(client, client.userId)
    expect(seen.self_signing_keys[client.userId].keys).toEqual(first.self_signing_key.keys)
    expect(seen.user_signing_keys).toEqual({})
  })

  it('that a new master key has not signed are removed, with the signatures of others on them', async () => {
    const { client, device, keys } = await withCrossSigning()
    const { userId, deviceId } = client
    const bySelf = signed(device.keys, userId, keys.selfSigning.publicKey, keys.selfSigning)
    const other = await withCrossSigning()
    const ofOther = signed(
      keys.body.master_key,
      other.client.userId,
      other.keys.userSigning.publicKey,
      other.keys.userSigning,
    )
    must(await client.post('/keys/signatures/upload', { [userId]: { [deviceId]: bySelf } }))
    must(
      await other.client.post('/keys/signatures/upload', { [userId]: { [keys.master.publicKey]: ofOther } }),
    )
    const { master_key } = makeCrossSigning(userId).body
    const auth = proof(userId)
    must(await client.post('/keys/device_signing/upload', { master_key, auth }))
    const seen = await query(client, userId)
    expect(seen.master_keys[userId].keys).toEqual(master_key.keys)
    expect([seen.self_signing_keys, seen.user_signing_keys]).toEqual([{}, {}])
    const ofSigner = (await query(other.client, userId)).master_keys[userId].signatures ?? {}
    expect(ofSigner[other.client.userId]).toBeUndefined()
  })

  it('must be signed by the master key, and belong to the user', async () => {
    const client = await someone()
    const { body } = makeCrossSigning(client.userId)
    const forged = signed({ ...body.self_signing_key, signatures: {} }, client.userId, 'x', makeKey())
    const answer = await client.post('/keys/device_signing/upload', { ...body, self_signing_key: forged })
    expect([answer.status, answer.body.errcode]).toEqual([400, 'M_INVALID_SIGNATURE'])
    const foreign = await client.post('/keys/device_signing/upload', makeCrossSigning('@x:test.example').body)
    expect(foreign.body.errcode).toBe('M_INVALID_PARAM')
    const alone = await client.post('/keys/device_signing/upload', {
      self_signing_key: body.self_signing_key,
    })
    expect(alone.body.errcode).toBe('M_MISSING_PARAM')
    expect((await query(client, client.userId)).master_keys).toEqual({})
  })

  it('never have the ID of a device, nor a device theirs', async () => {
    const keys = makeCrossSigning('@named:test.example')
    const client = await http.register('named', { device_id: keys.master.publicKey })
    const answer = await client.post('/keys/device_signing/upload', keys.body)
    expect([answer.status, answer.body.errcode]).toEqual([403, 'M_FORBIDDEN'])
    const { client: other, keys: own } = await withCrossSigning()
    const login = await http.request(
      'POST',
      '/login',
      proof(other.userId, { device_id: own.master.publicKey }),
    )
    expect([login.status, login.body.errcode]).toEqual([400, 'M_INVALID_PARAM'])
  })

  it('are asked for with an empty body under the old name too', async () => {
    const client = await someone()
    const path = '/_matrix/client/unstable/keys/device_signing/upload'
    const answer = await http.request('POST', path, {}, { token: client.token })
    expect([answer.status, answer.body]).toEqual([200, {}])
  })
})

describe('signatures', () => {
  it('are taken under the old name too', async () => {
    const { client, device, keys } = await withCrossSigning()
    const bySelf = signed(device.keys, client.userId, keys.selfSigning.publicKey, keys.selfSigning)
    const path = '/_matrix/client/unstable/keys/signatures/upload'
    const body = { [client.userId]: { [client.deviceId]: bySelf } }
    expect(must(await http.request('POST', path, body, { token: client.token })).body.failures).toEqual({})
    const seen = (await query(await someone(), client.userId)).device_keys[client.userId][client.deviceId]
    expect(Object.keys(seen.signatures[client.userId])).toHaveLength(2)
  })

  it('of own devices are seen by all, and those of other users by their maker', async () => {
    const { client, device, keys } = await withCrossSigning()
    const other = await withCrossSigning()
    const { userId, deviceId } = client
    const signedDevice = signed(device.keys, userId, keys.selfSigning.publicKey, keys.selfSigning)
    const signedOther = signed(
      other.keys.body.master_key,
      userId,
      keys.userSigning.publicKey,
      keys.userSigning,
    )
    const { body } = must(
      await client.post('/keys/signatures/upload', {
        [userId]: { [deviceId]: signedDevice },
        [other.client.userId]: { [other.keys.master.publicKey]: signedOther },
      }),
    )
    expect(body.failures).toEqual({})
    const bySelf = (answer: Body) => Object.keys(answer.device_keys[userId][deviceId].signatures[userId])
    expect(bySelf(await query(other.client, userId))).toContain(`ed25519:${keys.selfSigning.publicKey}`)
    const ofOther = other.client.userId
    const own = (await query(client, ofOther)).master_keys[ofOther].signatures
    expect(Object.keys(own[userId])).toEqual([`ed25519:${keys.userSigning.publicKey}`])
    expect((await query(other.client, ofOther)).master_keys[ofOther].signatures?.[userId]).toBeUndefined()
    const seen = await query(other.client, userId)
    expect(seen.user_signing_keys).toEqual({})
  })

  it('of a third user’s keys are seen neither by the signed user nor by anybody else', async () => {
    const [signer, owner, viewer] = [await withCrossSigning(), await withCrossSigning(), await someone()]
    const { userId } = owner.client
    const { userSigning } = signer.keys
    const byUser = signed(
      owner.keys.body.master_key,
      signer.client.userId,
      userSigning.publicKey,
      userSigning,
    )
    const target = { [userId]: { [owner.keys.master.publicKey]: byUser } }
    must(await signer.client.post('/keys/signatures/upload', target))
    for (const client of [owner.client, viewer]) {
      const text = JSON.stringify(await query(client, userId))
      expect(text).not.toContain(userSigning.publicKey)
    }
    const own = await query(signer.client, userId)
    expect(JSON.stringify(own.master_keys[userId].signatures)).toContain(userSigning.publicKey)
    expect(own.user_signing_keys).toEqual({})
  })

  it('that are new are news: those of devices for all, those of other users for the signer alone', async () => {
    const [signer, owner] = [await withCrossSigning(), await withCrossSigning()]
    const room = await signer.client.createRoom({ preset: 'public_chat' })
    must(await owner.client.join(room))
    const changed = async (client: Client, since: string): Promise<string[]> =>
      must(await client.sync({ since, timeout: 1_000 })).body.device_lists?.changed ?? []
    const settled = async (client: Client): Promise<string> => {
      let { next_batch: token } = must(await client.sync()).body
      for (let quiet = false; !quiet; ) {
        const { body } = must(await client.sync({ since: token, timeout: 200 }))
        quiet = body.device_lists === undefined && body.rooms === undefined
        token = body.next_batch
      }
      return token
    }
    const [ofSigner, ofOwner] = [await settled(signer.client), await settled(owner.client)]
    const { userId, deviceId } = signer.client
    const { selfSigning, userSigning } = signer.keys
    const byUser = signed(owner.keys.body.master_key, userId, userSigning.publicKey, userSigning)
    const target = { [owner.client.userId]: { [owner.keys.master.publicKey]: byUser } }
    must(await signer.client.post('/keys/signatures/upload', target))
    expect(await changed(signer.client, ofSigner)).toEqual([owner.client.userId])
    const bySelf = signed(signer.device.keys, userId, selfSigning.publicKey, selfSigning)
    must(await signer.client.post('/keys/signatures/upload', { [userId]: { [deviceId]: bySelf } }))
    await expect.poll(() => changed(owner.client, ofOwner)).toEqual([userId])
  })

  it('that do not verify, or that sign nothing that exists, fail one by one', async () => {
    const { client, device, keys } = await withCrossSigning()
    const { userId, deviceId } = client
    const forged = signed(device.keys, userId, keys.selfSigning.publicKey, makeKey())
    const master = signed(keys.body.master_key, userId, deviceId, device.key)
    const { body } = must(
      await client.post('/keys/signatures/upload', {
        [userId]: { [deviceId]: forged, [keys.master.publicKey]: master, NONE: forged },
        '@nobody:test.example': { key: forged },
      }),
    )
    expect(body.failures[userId][deviceId].errcode).toBe('M_INVALID_SIGNATURE')
    const other = await withCrossSigning()
    const byUser = signed(other.device.keys, userId, keys.userSigning.publicKey, keys.userSigning)
    const ofDevice = { [other.client.userId]: { [other.client.deviceId]: byUser } }
    const { failures } = must(await client.post('/keys/signatures/upload', ofDevice)).body
    expect(Object.keys(failures[other.client.userId])).toEqual([other.client.deviceId])
    expect(body.failures[userId].NONE.errcode).toBe('M_NOT_FOUND')
    expect(body.failures['@nobody:test.example'].key.errcode).toBe('M_NOT_FOUND')
    expect(body.failures[userId][keys.master.publicKey]).toBeUndefined()
    const stored = (await query(client, userId)).master_keys[userId].signatures[userId]
    expect(Object.keys(stored)).toEqual([`ed25519:${deviceId}`])
  })

  it('replace those on an earlier device of the same id', async () => {
    const { client, device, keys } = await withCrossSigning()
    const { userId, deviceId } = client
    const { signatures: _, ...bare } = device.keys
    const changed = { ...bare, algorithms: ['m.megolm.v1.aes-sha2'] }
    const again = signed(changed, userId, deviceId, device.key)
    for (const uploaded of [device.keys, again]) {
      must(await client.post('/keys/upload', { device_keys: uploaded }))
      const unsigned = (await query(client, userId)).device_keys[userId][deviceId]
      expect(unsigned.signatures).toEqual(uploaded.signatures)
      const bySelf = signed(uploaded, userId, keys.selfSigning.publicKey, keys.selfSigning)
      must(await client.post('/keys/signatures/upload', { [userId]: { [deviceId]: bySelf } }))
      const seen = (await query(client, userId)).device_keys[userId][deviceId]
      expect(seen.signatures).toEqual(bySelf.signatures)
    }
  })

  it('are void once their device is deleted', async () => {
    const { client, device, keys } = await withCrossSigning()
    const { userId, deviceId } = client
    const master = signed(keys.body.master_key, userId, deviceId, device.key)
    must(await client.post('/keys/signatures/upload', { [userId]: { [keys.master.publicKey]: master } }))
    must(await client.post('/logout'))
    const viewer = await someone()
    const { signatures } = (await query(viewer, userId)).master_keys[userId]
    expect(signatures?.[userId]?.[`ed25519:${deviceId}`]).toBeUndefined()
  })
})
