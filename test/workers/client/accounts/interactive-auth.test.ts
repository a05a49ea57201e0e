/** Requests that ask for the password once more: what they confirm is one request, done once. */
import { describe, expect, it } from 'vitest'
import { type Answer, type Body, type Client, proof, testPassword } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'

const { http } = serving()

interface Operation {
  /** What it needs to be there. */
  prepare?: (name: string) => Promise<void>
  ask: (client: Client, auth?: Body) => Promise<Answer>
  /** Asked for again, it changes nothing. */
  stands?: boolean
  /** The same endpoint, asked for something else. */
  askOther: (client: Client, auth?: Body) => Promise<Answer>
}

const masterKey = (userId: string, key: string) => ({
  master_key: { user_id: userId, usage: ['master'], keys: { [`ed25519:${key}`]: key } },
})
const [KEY_A, KEY_B] = ['A'.repeat(43), `${'B'.repeat(42)}A`]
const withDevice = async (name: string) => {
  for (const device_id of ['OLD', 'OLDER']) await http.login(name, { device_id })
}

const OPERATIONS: Record<string, Operation> = {
  'a new password': {
    ask: (client, auth) => client.post('/account/password', { new_password: testPassword, auth }),
    askOther: (client, auth) => client.post('/account/password', { new_password: 'stolen', auth }),
  },
  'the end of a device': {
    prepare: withDevice,
    ask: (client, auth) => client.delete('/devices/OLD', { auth }),
    askOther: (client, auth) => client.delete('/devices/OLDER', { auth }),
  },
  'the end of devices': {
    prepare: withDevice,
    ask: (client, auth) => client.post('/delete_devices', { devices: ['OLD'], auth }),
    askOther: (client, auth) => client.post('/delete_devices', { devices: ['OLDER'], auth }),
  },
  'new keys to sign with': {
    stands: true,
    prepare: async (name) => {
      const client = await http.login(name)
      await client.post('/keys/device_signing/upload', masterKey(client.userId, 'C'.repeat(43)))
    },
    ask: (client, auth) =>
      client.post('/keys/device_signing/upload', { ...masterKey(client.userId, KEY_A), auth }),
    askOther: (client, auth) =>
      client.post('/keys/device_signing/upload', { ...masterKey(client.userId, KEY_B), auth }),
  },
  'the end of the account': {
    ask: (client, auth) => client.post('/account/deactivate', { auth }),
    askOther: (client, auth) => client.post('/account/deactivate', { erase: true, auth }),
  },
}

let people = 0
async function someone({ prepare }: Operation): Promise<Client> {
  people += 1
  const client = await http.register(`person${people}`)
  await prepare?.(`person${people}`)
  return client
}

describe.each(Object.entries(OPERATIONS))('%s', (_, operation) => {
  const { ask, askOther, stands = false } = operation

  it('is done only once by a session', async () => {
    const client = await someone(operation)
    const { session } = (await ask(client)).body
    expect((await ask(client, proof(client.userId, { session }))).status).toBe(200)
    for (const request of [ask, askOther]) {
      const { status, body } = await request(client, { session })
      // Where the account is closed, nobody is left to ask; keys that stand need no proof.
      if (body.errcode === 'M_UNKNOWN_TOKEN' || (stands && request === ask)) continue
      expect([status, body.errcode]).toEqual([401, 'M_FORBIDDEN'])
      expect(body.session).not.toBe(session)
    }
  })

  it('is not confirmed by the session of another request', async () => {
    const client = await someone(operation)
    const { session } = (await ask(client)).body
    const { status, body } = await askOther(client, proof(client.userId, { session }))
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN'])
  })

  it('is not confirmed by the session of another user', async () => {
    const [client, other] = [await someone(operation), await someone(operation)]
    const { session } = (await ask(client)).body
    const { status, body } = await ask(other, proof(other.userId, { session }))
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN'])
  })

  it('tells after a wrong password what was completed', async () => {
    const client = await someone(operation)
    const { session } = (await ask(client)).body
    const { status, body } = await ask(client, proof(client.userId, { session, password: 'guess' }))
    expect([status, body.errcode, body.completed, body.session]).toEqual([401, 'M_FORBIDDEN', [], session])
  })
})

it('a password that the first request set need not be said again', async () => {
  const client = await http.register('brief')
  const { session } = (await client.post('/account/password', { new_password: 'set at first' })).body
  const answer = await client.post('/account/password', { auth: proof(client.userId, { session }) })
  expect(answer.status).toBe(200)
  expect((await http.login('brief', { password: 'set at first' })).userId).toBe(client.userId)
})
