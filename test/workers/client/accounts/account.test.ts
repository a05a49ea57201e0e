/** Passwords, devices and third-party identifiers: what asks for the password once more. */
import { beforeAll, describe, expect, it } from 'vitest'
import { type Answer, type Body, type Client, must, proof, testPassword } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'

const { server, http } = serving()
const failure = ({ status, body }: Answer) => [status, body.errcode]
const whoami = ({ token }: Client) => http.request('GET', '/account/whoami', undefined, { token })

const loginWith = (user: string, password: string) =>
  http.request('POST', '/login', { type: 'm.login.password', user, password })

/** Each asks for the password; what it does then is told below. */
const guarded: [string, string, Body][] = [
  ['POST', '/account/password', { new_password: 'another horse' }],
  ['POST', '/account/deactivate', {}],
  ['DELETE', '/devices/OTHER', {}],
  ['POST', '/delete_devices', { devices: ['OTHER'] }],
]

describe.each(guarded)('%s %s', (method, path, body) => {
  let alice: Client
  let names = 0
  const ask = (auth?: Body, more: Body = {}) =>
    http.request(method, path, { ...body, ...more, ...(auth && { auth }) }, { token: alice.token })

  beforeAll(async () => {
    names += 1
    alice = await http.register(`guarded${names}${path.replaceAll(/[^a-z]/g, '')}`, { device_id: 'OWN' })
  })

  it('first tells what proof is needed, without an error', async () => {
    const { status, body: challenge } = await ask()
    expect(status).toBe(401)
    expect(challenge).toEqual({
      flows: [{ stages: ['m.login.password'] }],
      params: {},
      session: expect.any(String),
    })
  })

  it('refuses a wrong password and the password of another user', async () => {
    await http.register(`stranger${path.replaceAll(/[^a-z]/g, '')}`)
    const { session } = (await ask()).body
    const own = alice.userId
    for (const auth of [proof(own, { password: 'wrong', session }), proof(own, { password: 'wrong' })]) {
      expect(failure(await ask(auth))).toEqual([401, 'M_FORBIDDEN'])
    }
    const stranger = proof(`stranger${path.replaceAll(/[^a-z]/g, '')}`, { session })
    expect(failure(await ask(stranger))).toEqual([403, 'M_FORBIDDEN'])
    expect((await whoami(alice)).status).toBe(200)
  })

  it('wants a token', async () => {
    expect(failure(await http.request(method, path, body))).toEqual([401, 'M_MISSING_TOKEN'])
  })

  it('is done once the password is given', async () => {
    const { session } = (await ask()).body
    expect((await ask(proof(alice.userId, { session }))).status).toBe(200)
  })
})

describe('a new password', () => {
  it('takes the place of the old one, and logs the other devices out', async () => {
    const phone = await http.register('pat', { device_id: 'PHONE' })
    const laptop = await http.login('pat')
    expect((await whoami(laptop)).status).toBe(200)
    must(await phone.post('/account/password', { new_password: 'new', auth: proof('pat') }))
    expect(failure(await loginWith('pat', testPassword))).toEqual([403, 'M_FORBIDDEN'])
    expect((await loginWith('pat', 'new')).status).toBe(200)
    expect((await whoami(phone)).status).toBe(200)
    expect(failure(await whoami(laptop))).toEqual([401, 'M_UNKNOWN_TOKEN'])
  })

  it('leaves them logged in when asked to', async () => {
    const phone = await http.register('quinn')
    const laptop = await http.login('quinn')
    const body = { new_password: 'new', logout_devices: false, auth: proof('quinn') }
    must(await phone.post('/account/password', body))
    expect((await whoami(laptop)).status).toBe(200)
  })

  it('must be given', async () => {
    const rae = await http.register('rae')
    expect(failure(await rae.post('/account/password', { auth: proof('rae') }))).toEqual([
      400,
      'M_MISSING_PARAM',
    ])
    expect((await loginWith('rae', testPassword)).status).toBe(200)
  })

  it('is not changed while Postgres is away', async () => {
    const sam = await http.register('sam')
    server.postgres.stop()
    const answer = await sam.post('/account/password', { new_password: 'new', auth: proof('sam') })
    server.postgres.start()
    expect(failure(answer)).toEqual([503, 'M_UNKNOWN'])
    expect((await loginWith('sam', testPassword)).status).toBe(200)
  })
})

describe('devices', () => {
  it('are deleted one by one and together; one that is gone already is no error', async () => {
    const own = await http.register('dee', { device_id: 'OWN' })
    const others = await Promise.all(['A', 'B', 'C'].map((id) => http.login('dee', { device_id: id })))
    const ids = async () => (await own.get('/devices')).body.devices.map((d: Body) => d.device_id)
    const auth = proof('dee')
    expect((await own.delete('/devices/A', { auth })).body).toEqual({})
    expect((await own.delete('/devices/A', { auth })).status).toBe(200)
    expect(await ids()).toEqual(['B', 'C', 'OWN'])
    must(await own.post('/delete_devices', { devices: ['B', 'C', 'NONE'], auth }))
    expect(await ids()).toEqual(['OWN'])
    for (const other of others) expect(failure(await whoami(other))).toEqual([401, 'M_UNKNOWN_TOKEN'])
  })

  it('are not deleted in a session that was begun for other devices', async () => {
    const own = await http.register('eve', { device_id: 'OWN' })
    await http.login('eve', { device_id: 'A' })
    await http.login('eve', { device_id: 'B' })
    const { session } = (await own.post('/delete_devices', { devices: ['A'] })).body
    const auth = proof('eve', { session })
    expect(failure(await own.post('/delete_devices', { devices: ['B'], auth }))).toEqual([403, 'M_FORBIDDEN'])
    const first = (await own.delete('/devices/A', {})).body.session
    const other = { auth: proof('eve', { session: first }) }
    expect(failure(await own.delete('/devices/B', other))).toEqual([403, 'M_FORBIDDEN'])
    expect((await own.get('/devices')).body.devices).toHaveLength(3)
  })
})

describe('third-party identifiers', () => {
  it('are none, and none can be added', async () => {
    const ida = await http.register('ida')
    expect((await ida.get('/account/3pid')).body).toEqual({ threepids: [] })
    for (const path of ['/account/3pid/add', '/account/3pid/bind']) {
      const body = { client_secret: 's', sid: '1', id_server: 'i.example', id_access_token: 't' }
      expect(failure(await ida.post(path, body))).toEqual([403, 'M_THREEPID_DENIED'])
    }
    for (const path of ['/account/3pid/delete', '/account/3pid/unbind']) {
      const { body } = await ida.post(path, { medium: 'email', address: 'i@b.example' })
      expect(body).toEqual({ id_server_unbind_result: 'success' })
    }
  })

  it.each(['register', 'account/password', 'account/3pid'])('cannot be proved for %s', async (purpose) => {
    for (const medium of ['email', 'msisdn']) {
      const body = {
        client_secret: 's',
        send_attempt: 1,
        email: 'a@b.example',
        country: 'DE',
        phone_number: '1',
      }
      const answer = await http.request('POST', `/${purpose}/${medium}/requestToken`, body)
      expect(failure(answer)).toEqual([400, 'M_THREEPID_MEDIUM_NOT_SUPPORTED'])
    }
  })
})
