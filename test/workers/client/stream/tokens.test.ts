/** Streams of users who sign in by a token of another system, and never by a page of ours. */
import { expect, it } from 'vitest'
import { StreamClient } from '../../../../clients/stream/index.ts'
import { type Body, must } from '../../../support/client.ts'
import { startServer } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'
import { openStream } from '../../../support/stream.ts'
import { claims, issuer, issuers, sharedKey, signed, signIn } from '../../../support/tokens.ts'

const SHORT = 'https://short.example'
const { server, http } = serving([], {
  bindings: issuers(issuer(), issuer({ issuer: SHORT, session_seconds: 3 })),
})
const isError = ({ type }: Body) => type === 'error'

it('the first message signs in by such a token, and the client is told its session', async () => {
  const stream = await openStream(server, undefined)
  const wishes = { device_id: 'WEB', initial_device_display_name: 'The school' }
  stream.say({ type: 'login', token: await signed(sharedKey, claims('pupil')), ...wishes })
  const session = await stream.next(({ type }) => type === 'signed_in')
  expect(session).toMatchObject({ device_id: 'WEB', access_token: expect.any(String) })
  expect(await stream.next(({ type }) => type === 'hello')).toMatchObject({
    user_id: session.user_id,
    device_id: 'WEB',
    expires_in_ms: expect.any(Number),
  })
  const client = http.as({ userId: session.user_id, token: session.access_token, deviceId: 'WEB' })
  const room = await client.createRoom()
  await stream.next(({ body }) => body?.rooms?.join?.[room] !== undefined)
  await stream.close()
})

it('a token that is not taken is refused there as at a login', async () => {
  const stream = await openStream(server, undefined)
  stream.say({ type: 'login', token: 'nonsense' })
  expect((await stream.next(isError)).errcode).toBe('M_FORBIDDEN')
  expect((await stream.closed()).code).toBe(4400)
})

it('a server without such systems takes no such token', async () => {
  const alone = await startServer()
  try {
    const stream = await openStream(alone, undefined)
    stream.say({ type: 'login', token: await signed(sharedKey, claims('pupil')) })
    expect((await stream.next(isError)).errcode).toBe('M_UNRECOGNIZED')
  } finally {
    await alone.stop()
  }
})

it('the client signs in anew when its session is about to end, and the stream stays open', async () => {
  let signedIn = 0
  const token = async (): Promise<string> => {
    signedIn += 1
    const foreign = await signed(sharedKey, claims('teacher', { iss: SHORT }))
    return must(await signIn(http, foreign, { device_id: 'WEB' })).body.access_token
  }
  const client = new StreamClient({ url: server.url, token, random: () => 0 })
  const told: string[] = []
  const interruptions: unknown[] = []
  client.on('event', ({ event }) => told.push(String(event.content.body)))
  client.on('retry', (retry) => interruptions.push(retry))
  try {
    await client.connect()
    const { room_id } = await client.api('POST', '/createRoom', {})
    await expect.poll(() => signedIn, { timeout: 20_000 }).toBe(4)
    await client.send(String(room_id), 'still here')
    await expect.poll(() => told.filter((text) => text === 'still here').length, { timeout: 20_000 }).toBe(1)
    expect(interruptions).toEqual([])
  } finally {
    client.close()
  }
})
