/** Sessions whose copies are in Redis, by the operator's choice: one that ends leaves no copy that lets its token pass. */
import { expect, it } from 'vitest'
import { type Answer, type Client, must, proof } from '../../../support/client.ts'
import { planFault, settled } from '../../../support/faults.ts'
import { serving } from '../../../support/serving.ts'

const { server, http, someone } = serving([], { 'session-cache': 'redis' })

/** What a fresh isolate answers, which believes nothing yet. */
async function whoami({ token }: { token: string }): Promise<[status: number, errcode: unknown]> {
  await planFault(http, 'session:not-believed')
  const { status, body } = await http.request('GET', '/account/whoami', undefined, { token })
  return [status, body.errcode]
}

const [PASSES, IS_UNKNOWN] = [
  [200, undefined],
  [401, 'M_UNKNOWN_TOKEN'],
]

/** Ends the session of the first client; whether the second one, of the same user, goes on. */
const ENDINGS: [string, boolean, (own: Client, other: Client) => Promise<Answer | Client>][] = [
  ['its log-out', true, (own) => own.post('/logout')],
  ['a log-out of all devices', false, (_, other) => other.post('/logout/all')],
  [
    'a new password',
    true,
    (_, other) =>
      other.post('/account/password', { new_password: 'another good one', auth: proof(other.userId) }),
  ],
  [
    'the deletion of its device',
    true,
    (own, other) => other.post('/delete_devices', { devices: [own.deviceId], auth: proof(other.userId) }),
  ],
  ['a login into its device', true, (own) => http.login(own.userId, { device_id: own.deviceId })],
  [
    'the end of the account',
    false,
    (_, other) => other.post('/account/deactivate', { auth: proof(other.userId) }),
  ],
]

it.each(ENDINGS)('a session has no copy any more after %s', async (_, goesOn, end) => {
  const other = await someone()
  const own = await http.login(other.userId)
  for (const client of [own, other]) expect(await whoami(client)).toEqual(PASSES)
  await settled(http)
  const ended = await end(own, other)
  if ('status' in ended) must(ended)
  await settled(http)
  expect(await whoami(own)).toEqual(IS_UNKNOWN)
  expect(await whoami(other)).toEqual(goesOn ? PASSES : IS_UNKNOWN)
})

it('a session has no copy any more once its tokens were renewed for the second time', async () => {
  const { userId: user } = await someone()
  const login = { ...proof(user), refresh_token: true }
  const tokens = [must(await http.request('POST', '/login', login)).body]
  for (let renewals = 0; renewals < 2; renewals += 1) {
    const { access_token: token, refresh_token } = tokens.at(-1)
    expect(await whoami({ token })).toEqual(PASSES)
    await settled(http)
    tokens.push(must(await http.request('POST', '/refresh', { refresh_token })).body)
  }
  await settled(http)
  const answers = []
  for (const { access_token: token } of tokens) answers.push(await whoami({ token }))
  // The one before the newest lives on until the next time.
  expect(answers).toEqual([IS_UNKNOWN, PASSES, PASSES])
})

it('a session of a suspended user has no copy, by which a fresh isolate would let them write', async () => {
  const [user, admin] = [await someone(), await http.register('admin')]
  await server.pg("update accounts set admin = true where localpart = 'admin'")
  const makesRoom = async () => {
    await planFault(http, 'session:not-believed')
    const { status, body } = await user.post('/createRoom', {})
    return [status, body.errcode]
  }
  const suspend = async (suspended: boolean) => {
    must(await admin.put(`/_matrix/client/v1/admin/suspend/${user.userId}`, { suspended }))
    await settled(http)
  }
  expect(await makesRoom()).toEqual(PASSES)
  await settled(http)
  await suspend(true)
  expect(await makesRoom()).toEqual([403, 'M_USER_SUSPENDED'])
  await suspend(false)
  expect(await makesRoom()).toEqual(PASSES)
})
