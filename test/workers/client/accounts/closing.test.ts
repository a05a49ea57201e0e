/** The end of accounts and sessions that were in use: each rule over every membership, device and warm cache. */
import { beforeAll, describe, expect, it } from 'vitest'
import { type Answer, type Body, type Client, must, proof, testPassword } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'

const { http, host } = serving(['host'])

const at = (room: string, rest: string) => `/rooms/${encodeURIComponent(room)}/${rest}`
const failure = ({ status, body }: Answer) => [status, body.errcode]

/** How a user comes to a membership, and what is left of it once their account is closed. */
const MEMBERSHIPS: Record<string, { come: (user: Client, room: string) => Promise<void>; after: string }> = {
  joined: { come: async () => undefined, after: 'leave' },
  left: {
    come: async (user, room) => void must(await user.post(at(room, 'leave'))),
    after: 'leave',
  },
  forgotten: {
    come: async (user, room) => {
      must(await user.post(at(room, 'leave')))
      must(await user.post(at(room, 'forget')))
    },
    after: 'leave',
  },
  kicked: {
    come: async (user, room) => void must(await host.post(at(room, 'kick'), { user_id: user.userId })),
    after: 'leave',
  },
  banned: {
    come: async (user, room) => void must(await host.post(at(room, 'ban'), { user_id: user.userId })),
    after: 'ban',
  },
  'invited again': {
    come: async (user, room) => {
      must(await user.post(at(room, 'leave')))
      must(await host.invite(room, user.userId))
    },
    after: 'leave',
  },
  knocking: {
    come: async (user, room) => {
      must(await user.post(at(room, 'leave')))
      must(await host.put(at(room, 'state/m.room.join_rules'), { join_rule: 'knock' }))
      must(await user.post(`/knock/${encodeURIComponent(room)}`))
    },
    after: 'leave',
  },
}

describe.each([false, true])('an account that is closed, erased: %s', (erase) => {
  let gone: Client
  const rooms = new Map<string, { room: string; said: string }>()

  beforeAll(async () => {
    gone = await http.register(erase ? 'erased' : 'closed')
    for (const [name, { come }] of Object.entries(MEMBERSHIPS)) {
      const room = await host.createRoom({ preset: 'public_chat' })
      must(await gone.join(room))
      rooms.set(name, { room, said: await gone.say(room, `said when ${name}`) })
      await come(gone, room)
    }
    must(await gone.sync())
    must(await gone.post('/account/deactivate', { erase, auth: proof(gone.userId) }))
  })

  it.each(Object.entries(MEMBERSHIPS))('leaves a room where it was %s', async (name, { after }) => {
    const { room } = rooms.get(name)!
    const membership = async () =>
      must(await host.get(at(room, `state/m.room.member/${gone.userId}`))).body.membership
    await expect.poll(membership, { timeout: 10_000 }).toBe(after)
  })

  it.each(Object.keys(MEMBERSHIPS))(
    'shows newcomers of the room where it was %s only what they may see',
    async (name) => {
      const { room, said } = rooms.get(name)!
      const newcomer = await http.register(`new-${erase}-${name.replace(' ', '-')}`)
      must(await host.put(at(room, 'state/m.room.join_rules'), { join_rule: 'public' }))
      must(await newcomer.join(room))
      const seen = async (): Promise<Body> =>
        must(await newcomer.get(at(room, `event/${encodeURIComponent(said)}`))).body.content.body
      if (erase) await expect.poll(seen, { timeout: 10_000 }).toBeUndefined()
      expect(await seen()).toBe(erase ? undefined : `said when ${name}`)
    },
  )
})

describe('a login into a known device', () => {
  it('ends the former token, which was in use on every path', async () => {
    const first = await http.register('twice', { device_id: 'PHONE' })
    const room = await first.createRoom()
    const ways = (client: Client) => [
      () => client.get('/account/whoami'),
      () => client.sync({ timeout: 0 }),
      () => client.get('/devices'),
      () => client.get(at(room, 'state')),
      () => client.put(at(room, 'send/org.example.x/1'), {}),
      () => client.post('/keys/query', { device_keys: {} }),
    ]
    for (const way of ways(first)) must(await way())
    const { next_batch: since } = must(await first.sync()).body
    const waiting = first.sync({ since, timeout: 20_000 })
    const second = await http.login('twice', { device_id: 'PHONE' })
    expect((await waiting).status).toBe(401)
    for (const way of ways(first)) expect(failure(await way())).toEqual([401, 'M_UNKNOWN_TOKEN'])
    for (const way of ways(second)) must(await way())
    expect(must(await second.get('/devices')).body.devices).toHaveLength(1)
  })

  it('ends the former pair of refreshed tokens, which was in use', async () => {
    const login = async () => {
      const body = { type: 'm.login.password', user: 'pairs', password: testPassword }
      return must(await http.request('POST', '/login', { ...body, device_id: 'P', refresh_token: true })).body
    }
    const refresh = (refresh_token: string) => http.request('POST', '/refresh', { refresh_token })
    await http.register('pairs')
    const first = await login()
    const pair = must(await refresh(first.refresh_token)).body
    const whoami = (token: string) => http.request('GET', '/account/whoami', undefined, { token })
    must(await whoami(pair.access_token))
    const second = await login()
    expect(failure(await whoami(pair.access_token))).toEqual([401, 'M_UNKNOWN_TOKEN'])
    for (const old of [first, pair]) {
      expect(failure(await refresh(old.refresh_token))).toEqual([401, 'M_UNKNOWN_TOKEN'])
    }
    must(await whoami(second.access_token))
    must(await refresh(second.refresh_token))
  })
})

describe('a token that was just used', () => {
  type End = (own: Client, other: Client) => Promise<unknown>
  const ENDS: [string, End][] = [
    ['its own logout', async (_, other) => must(await other.post('/logout'))],
    ['the logout of all', async (own) => must(await own.post('/logout/all'))],
    ['a new password', async (own) => changePassword(own)],
    [
      'the end of its device',
      async (own, other) => must(await own.delete(`/devices/${other.deviceId}`, { auth: proof(own.userId) })),
    ],
    [
      'the end of devices',
      async (own, other) =>
        must(await own.post('/delete_devices', { devices: [other.deviceId], auth: proof(own.userId) })),
    ],
    [
      'the end of the account',
      async (own) => must(await own.post('/account/deactivate', { auth: proof(own.userId) })),
    ],
  ]

  const changePassword = async (own: Client) =>
    must(await own.post('/account/password', { new_password: testPassword, auth: proof(own.userId) }))

  it.each(ENDS)('ends with %s', async (title, end) => {
    const name = `used-${title.replaceAll(' ', '-')}`
    const [own, other] = [await http.register(name), await http.login(name)]
    const whoami = () => other.get('/account/whoami')
    must(await whoami())
    must(await other.sync())
    await end(own, other)
    expect(failure(await whoami())).toEqual([401, 'M_UNKNOWN_TOKEN'])
    expect(failure(await other.sync())).toEqual([401, 'M_UNKNOWN_TOKEN'])
  })
})
