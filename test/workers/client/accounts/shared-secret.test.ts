/** Registration by shared secret. */
import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, type Api, api, type Body } from '../../../support/client.ts'
import { startServer, type TestServer } from '../../../support/server.ts'

const path = '/_synapse/admin/v1/register'
const secret = 'the operator knows'

let server: TestServer
let http: Api

const failure = ({ status, body }: Answer) => [status, body.errcode]

async function register(username: string, changes: Body = {}, signedWith = secret): Promise<Answer> {
  const { nonce } = (await http.request('GET', path)).body
  const body = { nonce, username, password: 'pässword', admin: false, ...changes }
  const signed = [body.nonce, body.username, body.password, body.admin ? 'admin' : 'notadmin']
  if (body.user_type) signed.push(body.user_type)
  const mac = createHmac('sha1', signedWith).update(signed.join('\0')).digest('hex')
  return http.request('POST', path, { mac, ...body })
}

describe('registration by shared secret', () => {
  beforeAll(async () => {
    server = await startServer({ 'registration-shared-secret': secret, registration: 'closed' })
    http = api(server)
  })
  afterAll(() => server?.stop())

  it('makes an account even if registration is closed, and answers like /register', async () => {
    const { status, body } = await register('tooled')
    expect([status, body]).toEqual([
      200,
      {
        user_id: '@tooled:test.example',
        access_token: expect.any(String),
        device_id: expect.any(String),
        home_server: 'test.example',
      },
    ])
    expect((await http.login('tooled', { password: 'pässword' })).userId).toBe('@tooled:test.example')
  })

  it('makes administrators, and accounts of a type', async () => {
    await register('boss', { admin: true })
    expect(await server.pg("select admin from accounts where localpart = 'boss'")).toEqual([{ admin: true }])
    expect((await register('bot', { user_type: 'bot' })).status).toBe(200)
  })

  it('refuses another secret, and what was not signed', async () => {
    expect(failure(await register('wrong', {}, 'guess'))).toEqual([403, 'M_FORBIDDEN'])
    for (const mac of ['', 'zz', 'ab'.repeat(20), 'ab'.repeat(32)]) {
      expect(failure(await register('wrong', { mac }))).toEqual([403, 'M_FORBIDDEN'])
    }
    const { nonce } = (await http.request('GET', path)).body
    const signed = [nonce, 'sneaky', 'pw', 'notadmin'].join('\0')
    const mac = createHmac('sha1', secret).update(signed).digest('hex')
    const sneaky = { nonce, username: 'sneaky', password: 'pw', admin: true, mac }
    expect(failure(await http.request('POST', path, sneaky))).toEqual([403, 'M_FORBIDDEN'])
  })

  it('refuses NUL in every signed part, so that no password can be read as the admin flag', async () => {
    const { nonce } = (await http.request('GET', path)).body
    const signed = [nonce, 'climber', 'pw', 'admin', 'notadmin'].join('\0')
    const mac = createHmac('sha1', secret).update(signed).digest('hex')
    const body = { nonce, username: 'climber', password: 'pw\0admin', admin: false, mac }
    expect(failure(await http.request('POST', path, body))).toEqual([400, 'M_INVALID_PARAM'])
    const asAdmin = { ...body, password: 'pw', admin: true, user_type: 'notadmin' }
    expect(failure(await http.request('POST', path, asAdmin))).toEqual([400, 'M_INVALID_PARAM'])
    for (const changes of [{ password: 'a\0b' }, { user_type: 'a\0b' }, { nonce: 'a\0b' }]) {
      expect(failure(await register('climber', changes))).toEqual([400, 'M_INVALID_PARAM'])
    }
    expect(failure(await register('climber\0x'))).toEqual([400, 'M_INVALID_PARAM'])
    expect(await server.pg("select 1 from accounts where localpart like 'climber%'")).toEqual([])
  })

  it('knows the types of users that the tools know, and no others', async () => {
    expect((await register('helper', { user_type: 'support' })).status).toBe(200)
    expect((await register('untyped', { user_type: null })).status).toBe(200)
    expect(failure(await register('wizard', { user_type: 'wizard' }))).toEqual([400, 'M_INVALID_PARAM'])
  })

  it('takes a nonce only once', async () => {
    const { nonce } = (await http.request('GET', path)).body
    expect((await register('first', { nonce })).status).toBe(200)
    expect(failure(await register('second', { nonce }))).toEqual([400, 'M_UNKNOWN'])
    expect(failure(await register('third', { nonce: 'made up' }))).toEqual([400, 'M_UNKNOWN'])
  })

  it('refuses taken and bad names, and missing keys', async () => {
    await register('held')
    expect(failure(await register('held'))).toEqual([400, 'M_USER_IN_USE'])
    expect(failure(await register('a b'))).toEqual([400, 'M_INVALID_USERNAME'])
    expect((await register('UpPer')).body.user_id).toBe('@upper:test.example')
    expect(failure(await http.request('POST', path, { nonce: 'x' }))).toEqual([400, 'M_MISSING_PARAM'])
  })
})

describe('without a shared secret', () => {
  beforeAll(async () => {
    server = await startServer()
    http = api(server)
  })
  afterAll(() => server?.stop())

  it('the endpoint is not there', async () => {
    expect(failure(await http.request('GET', path))).toEqual([400, 'M_UNKNOWN'])
  })
})
