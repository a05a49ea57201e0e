/** How the checks get a user: an account that is there, or one of their own that goes with them. */
import { createHmac, randomBytes } from 'node:crypto'
import type { Check, Session, Visit } from '../check.ts'
import { type Ask, must, refusal } from '../http.ts'
import { expect, Failed, Skipped } from '../outcome.ts'
import { path, visitorOf } from '../visit.ts'

const CLIENT = '/_matrix/client/v3'

export const account: Check[] = [
  {
    group: 'journey',
    name: 'an account: a user registers, or signs in',
    async run(visit, ask) {
      const { user } = visit.entry
      if (user !== undefined) {
        const first = await signIn(ask, user.name, user.password)
        visit.visitor = { first, password: user.password, isOurs: false }
        visit.cleanUps.push(signOut(first))
        return { note: `as ${first.userId}, whose account stays` }
      }
      const name = `check-${visit.mark}`
      const password = randomBytes(24).toString('base64url')
      const first = await register(visit, ask, { name, password })
      visit.visitor = { first, password, isOurs: true }
      visit.cleanUps.push(deactivation(visit))
      return { note: `as ${first.userId}` }
    },
  },
  {
    group: 'journey',
    name: 'a second device signs in by the password',
    async run(visit, ask) {
      const visitor = visitorOf(visit)
      visitor.second = await signIn(ask, visitor.first.userId, visitor.password)
      visit.cleanUps.push(signOut(visitor.second))
      expect(visitor.second.userId === visitor.first.userId, 'the password opened another account')
      expect(visitor.second.deviceId !== visitor.first.deviceId, 'both sign-ins are one device')
    },
  },
]

/** Comes last in the journey: afterwards the second device has no session. */
export const logout: Check = {
  group: 'journey',
  name: 'a logout ends its session, and no other',
  async run(visit, ask) {
    const visitor = visitorOf(visit)
    if (visitor.second === undefined) throw new Skipped('there is no second device')
    const { token } = visitor.second
    must(await ask('POST', `${CLIENT}/logout`, { token, json: {} }), 'the logout')
    const after = await ask('GET', `${CLIENT}/account/whoami`, { token })
    const { errcode } = (after.json ?? {}) as { errcode?: unknown }
    expect(
      after.status === 401 && errcode === 'M_UNKNOWN_TOKEN',
      `the token was answered ${after.status} after its logout, expected 401 M_UNKNOWN_TOKEN`,
    )
    must(await ask('GET', `${CLIENT}/account/whoami`, { token: visitor.first.token }), 'the other session')
    visitor.second = undefined
  },
}

async function signIn(ask: Ask, user: string, password: string): Promise<Session> {
  const answer = await ask('POST', `${CLIENT}/login`, {
    json: {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user },
      password,
      initial_device_display_name: 'Check of the server',
    },
  })
  return sessionIn(must(answer, 'the login'))
}

interface NewUser {
  name: string
  password: string
}

async function register(visit: Visit, ask: Ask, user: NewUser): Promise<Session> {
  const { sharedSecret, registrationToken } = visit.entry
  if (sharedSecret !== undefined) return bySecret(ask, user, sharedSecret)
  const begin = {
    username: user.name,
    password: user.password,
    initial_device_display_name: 'Check of the server',
  }
  const first = await ask('POST', `${CLIENT}/register`, { json: begin })
  if (first.status === 200) return sessionIn(must(first, 'the registration'))
  const { session, flows } = (first.json ?? {}) as { session?: string; flows?: { stages: string[] }[] }
  if (first.status === 403) {
    throw new Skipped(
      `${refusal(first)} (give a user and password, a registration token, or the shared secret)`,
    )
  }
  if (first.status !== 401 || session === undefined)
    throw new Failed(`the registration was answered ${refusal(first)}`)
  const stages = flows?.map((flow) => flow.stages.join(', ')) ?? []
  const stage = [
    ['m.login.registration_token', registrationToken] as const,
    ['m.login.dummy', ''] as const,
  ].find(([type, secret]) => secret !== undefined && stages.includes(type))
  if (stage === undefined) {
    throw new Skipped(
      `registration asks for ${stages.join(' or ')}: give a user and password, or what it asks for`,
    )
  }
  const [type, token] = stage
  const auth = { type, session, ...(token !== '' && { token }) }
  return sessionIn(
    must(await ask('POST', `${CLIENT}/register`, { json: { ...begin, auth } }), 'the registration'),
  )
}

/** As the tools do that were made for other servers. */
async function bySecret(ask: Ask, { name, password }: NewUser, secret: string): Promise<Session> {
  const address = '/_synapse/admin/v1/register'
  const { nonce } = must(await ask('GET', address), 'the question for a nonce')
  const mac = createHmac('sha1', secret).update([nonce, name, password, 'notadmin'].join('\0')).digest('hex')
  const answer = await ask('POST', address, { json: { nonce, username: name, password, admin: false, mac } })
  return sessionIn(must(answer, 'the registration by the shared secret'))
}

function sessionIn(body: Record<string, unknown>): Session {
  const { user_id: userId, device_id: deviceId, access_token: token } = body
  if (typeof userId !== 'string' || typeof deviceId !== 'string' || typeof token !== 'string') {
    throw new Failed('the answer has no user_id, device_id and access_token')
  }
  return { userId, deviceId, token }
}

const signOut = ({ token, deviceId }: Session) => ({
  name: `the device ${deviceId} is logged out`,
  async run(_: Visit, ask: Ask) {
    const answer = await ask('POST', `${CLIENT}/logout`, { token, json: {} })
    // Its session may have ended before, by a logout or with the account.
    must(answer, 'the logout', [200, 401])
  },
})

function deactivation({ visitor }: Visit) {
  const { first, password } = visitor!
  return {
    name: `the account ${first.userId} is deactivated and erased`,
    async run(_: Visit, ask: Ask) {
      const end = (auth?: object) =>
        ask('POST', `${CLIENT}/account/deactivate`, { token: first.token, json: { auth, erase: true } })
      const begun = await end()
      if (begun.status === 200) return
      const { session } = must(begun, 'the deactivation', [401])
      const identifier = { type: 'm.id.user', user: first.userId }
      must(await end({ type: 'm.login.password', identifier, password, session }), 'the deactivation')
      const after = await ask('GET', path`/_matrix/client/v3/account/whoami`, { token: first.token })
      expect(after.status === 401, `the account still answers ${after.status} after its deactivation`)
    },
  }
}
