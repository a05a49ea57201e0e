/** The deep health check: only for those who watch over the server, and without waking a Postgres that sleeps. */
import { afterEach, describe, expect, it } from 'vitest'
import { readKeys } from '../../../local/keys.ts'
import { issueOperatorToken } from '../../../src/accounts/operator-token.ts'
import { decodeBase64 } from '../../../src/protocol/base64.ts'
import { serving } from '../../support/serving.ts'

const metricsToken = 'the-token-of-the-monitor'
const { server, alice } = serving(['alice'], {
  'metrics-token': metricsToken,
  bindings: { HEALTH_POSTGRES_MS: '300000' },
})

async function deep(token: string | undefined = metricsToken) {
  const headers = token === '' ? undefined : { authorization: `Bearer ${token}` }
  const answer = await fetch(`${server.url}/health?deep`, { headers })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

const partsOf = ({ status, body }: Awaited<ReturnType<typeof deep>>) => [status, body.parts]

afterEach(async () => {
  server.postgres.start()
  server.redis.start()
  await server.redis.flush()
  await server.restart()
})

describe('who may ask', () => {
  it('is who shows the token of the settings', async () => {
    expect((await deep()).status).toBe(200)
  })

  it('is the operator, by a token of the server’s own keys', async () => {
    const [key] = readKeys(`${server.folder}/keys.json`)!.token_keys
    const keys = [{ id: key!.id, secret: decodeBase64(key!.secret) }]
    expect((await deep(await issueOperatorToken(keys, server.serverName))).status).toBe(200)
  })

  it.each([
    ['nobody without a token', '', 'M_MISSING_TOKEN'],
    ['nobody with a wrong token', `${metricsToken}x`, 'M_UNKNOWN_TOKEN'],
    ['nobody with a beginning of it', metricsToken.slice(0, -1), 'M_UNKNOWN_TOKEN'],
  ])('%s', async (_, token, errcode) => {
    const calls = server.redis.calls
    expect(await deep(token)).toMatchObject({ status: 401, body: { errcode } })
    expect(server.redis.calls).toBe(calls)
  })

  it('no user by an access token', async () => {
    expect(await deep(alice.token)).toMatchObject({ status: 401, body: { errcode: 'M_UNKNOWN_TOKEN' } })
  })
})

describe('Postgres', () => {
  it('is asked once, however often and by however many isolates the check is asked', async () => {
    const first = await deep()
    expect(first).toMatchObject({ status: 200, body: { parts: { postgres: 'ok', redis: 'ok', r2: 'ok' } } })
    expect(first.body).not.toHaveProperty('postgres_asked_ts')
    const asked = server.postgres.calls
    expect(await deep()).toMatchObject({ status: 200, body: { postgres_asked_ts: expect.any(Number) } })
    await server.restart()
    expect(await deep()).toMatchObject({ status: 200, body: { postgres_asked_ts: expect.any(Number) } })
    expect(server.postgres.calls).toBe(asked)
  })

  it('is asked once by one isolate while Redis is away', async () => {
    server.redis.stop()
    expect(partsOf(await deep())).toEqual([503, { postgres: 'ok', redis: 'down', r2: 'ok' }])
    const asked = server.postgres.calls
    expect(partsOf(await deep())).toEqual([503, { postgres: 'ok', redis: 'down', r2: 'ok' }])
    expect(server.postgres.calls).toBe(asked)
  })

  it('that is away is told as such until it is asked again', async () => {
    server.postgres.stop()
    expect(partsOf(await deep())).toEqual([503, { postgres: 'down', redis: 'ok', r2: 'ok' }])
    server.postgres.start()
    expect(partsOf(await deep())).toEqual([503, { postgres: 'down', redis: 'ok', r2: 'ok' }])
    // As if the time were over.
    await server.redis.flush()
    await server.restart()
    expect(partsOf(await deep())).toEqual([200, { postgres: 'ok', redis: 'ok', r2: 'ok' }])
  })
})
