/** Tokens whose session has ended, and accounts that have: asked of every route of the app. */
import { beforeAll, describe, expect, it } from 'vitest'
import { type Answer, type Client, must, proof } from '../../support/client.ts'
import { type Existing, ROUTES, requestOf, rowAt } from '../../support/routes.ts'
import { serving } from '../../support/serving.ts'

const { server, http, admin, alice } = serving(['admin', 'alice'], { 'client-address-header': 'x-real-ip' })
const there = {} as Existing

beforeAll(async () => {
  await server.pg("update accounts set admin = true where localpart = 'admin'")
  there.roomId = await alice.createRoom({ preset: 'public_chat' })
  there.eventId = await alice.say(there.roomId, 'of Alice')
})

const failure = ({ status, body }: Answer) => [status, body?.errcode]

/** Of users, of administrators and of the operator: wherever an access token is read. */
const TOKENS = ['device', 'claims', 'optional', 'administrator', 'operator']
const asked = ROUTES.filter(({ rows: [row] }) => row !== undefined && TOKENS.includes(row.auth)).map(
  ({ method, path }) => [method, path] as [string, string],
)

async function answersOf(user: Client): Promise<Map<string, string>> {
  const answers = new Map<string, string>()
  for (const route of asked) {
    // A body that no route wants must not be told of before the session.
    for (const wish of [{}, { byQuery: true }, { body: { limit: [] } }]) {
      const answer = failure(await requestOf(http, route, user, there, wish)).join(' ')
      if (answer !== '401 M_UNKNOWN_TOKEN') answers.set(`${route.join(' ')} ${JSON.stringify(wish)}`, answer)
    }
  }
  return answers
}

describe('every route that reads an access token', () => {
  it('is one of more than two hundred', () => {
    expect(asked.length).toBeGreaterThan(200)
    expect(rowAt('GET', '/_matrix/client/v3/sync')?.auth).toBe('claims')
  })

  it('refuses that of a closed account, before all else', { timeout: 60_000 }, async () => {
    const user = await http.register('gone')
    must(await user.join(there.roomId))
    must(await user.post('/account/deactivate', { auth: proof('gone') }))
    expect(await answersOf(user)).toEqual(new Map())
  })

  it('refuses that of a session that was logged out', { timeout: 60_000 }, async () => {
    const user = await http.login('alice')
    must(await user.get('/account/whoami'))
    must(await user.post('/logout'))
    expect(await answersOf(user)).toEqual(new Map())
  })

  it('refuses that of a former administrator', { timeout: 60_000 }, async () => {
    const user = await http.login('admin')
    must(await user.post('/logout'))
    expect(await answersOf(user)).toEqual(new Map())
  })
})

describe('a refresh token', () => {
  const login = async (name: string) =>
    must(await http.request('POST', '/login', { ...proof(name), refresh_token: true })).body
  const refresh = (token: string) => http.request('POST', '/refresh', { refresh_token: token })

  it('of a closed account is unknown, and that of a locked one comes back', async () => {
    const user = await http.register('renewing')
    const { refresh_token: token } = await login('renewing')
    const lock = `/_matrix/client/v1/admin/lock/${user.userId}`
    must(await admin.put(lock, { locked: true }))
    expect(failure(await refresh(token))).toEqual([401, 'M_USER_LOCKED'])
    must(await admin.put(lock, { locked: false }))
    const { refresh_token: next } = must(await refresh(token)).body
    must(await user.post('/account/deactivate', { auth: proof('renewing') }))
    expect(failure(await refresh(next))).toEqual([401, 'M_UNKNOWN_TOKEN'])
  })
})

describe('an OpenID token', () => {
  const tokenOf = async (user: Client) =>
    must(await user.post(`/user/${user.userId}/openid/request_token`)).body.access_token
  const userInfo = (token: string) =>
    http.request('GET', '/_matrix/federation/v1/openid/userinfo', undefined, {
      query: { access_token: token },
    })

  it('proves nobody whose account was closed', async () => {
    const user = await http.register('proved')
    const token = await tokenOf(user)
    expect(must(await userInfo(token)).body).toEqual({ sub: user.userId })
    must(await user.post('/account/deactivate', { auth: proof('proved') }))
    expect(failure(await userInfo(token))).toEqual([401, 'M_UNKNOWN_TOKEN'])
  })

  it.each(['lock', 'suspend'])('proves its user only while there is no %s', async (measure) => {
    const user = await http.register(`proved-${measure}`)
    const token = await tokenOf(user)
    const put = (value: boolean) =>
      admin.put(`/_matrix/client/v1/admin/${measure}/${user.userId}`, { [`${measure}ed`]: value })
    must(await put(true))
    expect(failure(await userInfo(token))).toEqual([401, 'M_UNKNOWN_TOKEN'])
    must(await put(false))
    expect(must(await userInfo(token)).body).toEqual({ sub: user.userId })
  })
})
