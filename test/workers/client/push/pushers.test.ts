/** Pushers: setting, listing and removing them. */
import { beforeEach, describe, expect, it } from 'vitest'
import { type Answer, type Body, type Client, must, proof } from '../../../support/client.ts'
import { objectName } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'

const { server, http } = serving([], { presence: 'off' })
let alice: Client
let users = 0
beforeEach(async () => {
  users += 1
  alice = await http.register(`alice${users}`)
})

const pusher = (change: Body = {}): Body => ({
  app_id: 'org.example.app',
  pushkey: 'key',
  kind: 'http',
  app_display_name: 'App',
  device_display_name: 'Phone',
  lang: 'en',
  data: { url: 'https://push.example.org/_matrix/push/v1/notify', format: 'event_id_only', brand: 'x' },
  ...change,
})
const set = (client: Client, change?: Body) => client.post('/pushers/set', pusher(change))
/** Without what MSC3881 adds: `pushing.test.ts` looks at that. */
const listed = async (client: Client): Promise<Body[]> =>
  must(await client.get('/pushers')).body.pushers.map((one: Body) => {
    const { 'org.matrix.msc3881.enabled': enabled, 'org.matrix.msc3881.device_id': deviceId, ...rest } = one
    expect([enabled, typeof deviceId]).toEqual([true, 'string'])
    return rest
  })
const failure = ({ status, body }: Answer) => [status, body.errcode]
const archived = (client: Client) =>
  server.pg("select key, body from user_records where user_id = $1 and kind = 'pusher'", [client.userId])

describe('a pusher', () => {
  it('is set, listed, and replaced by one of the same app and pushkey', async () => {
    expect(await listed(alice)).toEqual([])
    expect(must(await set(alice)).body).toEqual({})
    expect(await listed(alice)).toEqual([pusher()])
    must(await set(alice, { lang: 'de', profile_tag: 'work' }))
    must(await set(alice, { pushkey: 'other', append: true }))
    expect(await listed(alice)).toEqual([
      pusher({ lang: 'de', profile_tag: 'work' }),
      pusher({ pushkey: 'other' }),
    ])
  })

  it('is removed by kind null, however little else is given', async () => {
    must(await set(alice))
    const gone = { app_id: 'org.example.app', pushkey: 'key', kind: null }
    for (let times = 0; times < 2; times++) {
      expect(must(await alice.post('/pushers/set', gone)).body).toEqual({})
      expect(await listed(alice)).toEqual([])
    }
  })

  it('takes its pushkey away from another user, unless told to append', async () => {
    const bob = await http.register(`bob${users}`)
    const [appended, taken, other] = [{ pushkey: 'shared' }, { pushkey: `own${users}` }, { pushkey: 'other' }]
    for (const change of [appended, taken, other]) must(await set(alice, change))
    await expect.poll(() => archived(alice), { timeout: 10_000 }).toHaveLength(3)
    must(await set(bob, { ...appended, append: true }))
    must(await set(bob, { ...taken, lang: 'fr' }))
    expect(await listed(alice)).toEqual([pusher(other), pusher(appended)])
    expect(await listed(bob)).toEqual([pusher({ ...taken, lang: 'fr' }), pusher(appended)])
    must(await set(bob, taken))
    expect(await listed(alice)).toHaveLength(2)
  })

  it('is set while Postgres is away', async () => {
    server.postgres.stop()
    try {
      must(await set(alice))
    } finally {
      server.postgres.start()
    }
    expect(await listed(alice)).toEqual([pusher()])
  })

  it('survives the end of the process, and reaches the archive', async () => {
    must(await set(alice))
    await server.restart()
    expect(await listed(alice)).toEqual([pusher()])
    await expect
      .poll(() => archived(alice), { timeout: 10_000 })
      .toMatchObject([{ key: '["org.example.app","key"]', body: expect.stringContaining(alice.deviceId) }])
  })
})

describe('a pusher goes with its device', () => {
  const auth = (client: Client) => proof(client.userId)
  const ends: [string, (phone: Client) => Promise<Answer>][] = [
    ['logs out', (phone) => phone.post('/logout')],
    [
      'is deleted',
      (phone) => alice.post('/delete_devices', { devices: [phone.deviceId], auth: auth(alice) }),
    ],
    [
      'is logged out by a new password',
      () => alice.post('/account/password', { new_password: 'another good one', auth: auth(alice) }),
    ],
  ]

  it.each(ends)('that %s', async (_name, end) => {
    const phone = await http.login(`alice${users}`)
    must(await set(phone, { pushkey: 'phone' }))
    must(await set(alice))
    expect(await listed(alice)).toHaveLength(2)
    must(await end(phone))
    expect(await listed(alice)).toEqual([pusher()])
    const phoneInArchive = async () =>
      (await archived(alice)).find(({ key }) => String(key).includes('phone'))
    await expect.poll(phoneInArchive, { timeout: 10_000 }).toMatchObject({ body: null })
  })
})

describe('a gateway at a private address', () => {
  it('is not reached, and tried again later', async () => {
    const bob = await http.register(`bob${users}`)
    const room = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(room))
    must(await set(alice, { data: { url: 'https://127.0.0.1:1/_matrix/push/v1/notify' } }))
    const inRoom = () =>
      server.sql('ROOM', objectName.room(server.serverName, room), 'SELECT user_id FROM push_members')
    await expect.poll(inRoom, { timeout: 10_000 }).toEqual([{ user_id: alice.userId }])
    await bob.say(room, 'hello')
    const inUser = (query: string) =>
      server.sql('USER', objectName.user(server.serverName, alice.userId), query)
    await expect
      .poll(() => inUser('SELECT failures > 0 AS failed FROM push_retries'), { timeout: 15_000 })
      .toEqual([{ failed: 1 }])
    expect(await inUser('SELECT count(*) AS waiting FROM push_queue')).toEqual([{ waiting: 1 }])
    must(await alice.post('/logout'))
    await expect.poll(inRoom, { timeout: 10_000 }).toEqual([])
    expect(await inUser('SELECT count(*) AS waiting FROM push_queue')).toEqual([{ waiting: 0 }])
  })
})

describe('bad pushers', () => {
  const https = 'https://push.example.org'
  const bad: [string, Body, string][] = [
    ['without an app', { app_id: undefined }, 'M_MISSING_PARAM'],
    ['without a pushkey', { pushkey: undefined }, 'M_MISSING_PARAM'],
    ['without a kind', { kind: undefined }, 'M_MISSING_PARAM'],
    ['without a language', { lang: undefined }, 'M_MISSING_PARAM'],
    ['without the name of the app', { app_display_name: undefined }, 'M_MISSING_PARAM'],
    ['without the name of the device', { device_display_name: undefined }, 'M_MISSING_PARAM'],
    ['without data', { data: undefined }, 'M_MISSING_PARAM'],
    ['without a URL', { data: {} }, 'M_MISSING_PARAM'],
    ['of a numeric app', { app_id: 1 }, 'M_BAD_JSON'],
    ['of a long app', { app_id: 'a'.repeat(65) }, 'M_INVALID_PARAM'],
    ['of a pushkey too long in bytes', { pushkey: 'é'.repeat(257) }, 'M_INVALID_PARAM'],
    ['of kind email', { kind: 'email' }, 'M_INVALID_PARAM'],
    [
      'without encryption',
      { data: { url: 'http://push.example.org/_matrix/push/v1/notify' } },
      'M_INVALID_PARAM',
    ],
    ['at another path', { data: { url: `${https}/notify` } }, 'M_INVALID_PARAM'],
    ['at no URL', { data: { url: 'push.example.org' } }, 'M_INVALID_PARAM'],
    ['at another protocol', { data: { url: 'ftp://x.org/_matrix/push/v1/notify' } }, 'M_INVALID_PARAM'],
  ]

  it.each(bad)('%s are refused', async (_name, change, errcode) => {
    expect(failure(await set(alice, change))).toEqual([400, errcode])
    expect(await listed(alice)).toEqual([])
  })

  it('need a session', async () => {
    expect((await http.request('GET', '/pushers')).status).toBe(401)
    expect((await http.request('POST', '/pushers/set', pusher())).status).toBe(401)
  })
})
