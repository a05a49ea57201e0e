/** What else ends a stream at once: each way in which a session may end. */
import { describe, expect, it } from 'vitest'
import { type Body, type Client, must, proof } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'
import { openStream } from '../../../support/stream.ts'

const { server, http, someone } = serving()
const isHello = ({ type }: Body) => type === 'hello'

describe('a stream ends', () => {
  it.each([
    ['all sessions end', (carol: Client) => carol.post('/logout/all')],
    [
      'the account is closed',
      (carol: Client) => carol.post('/account/deactivate', { auth: proof(carol.userId) }),
    ],
  ])('when %s', async (_, act) => {
    const carol = await someone()
    const stream = await openStream(server, carol)
    await stream.next(isHello)
    must(await act(carol))
    expect((await stream.closed()).code).toBe(4401)
  })

  it('when the password is changed elsewhere, but for the device that changed it', async () => {
    const carol = await someone()
    const other = await http.login(carol.userId.slice(1).split(':')[0]!)
    const [stream, kept] = [await openStream(server, carol), await openStream(server, other)]
    for (const one of [stream, kept]) await one.next(isHello)
    must(await other.post('/account/password', { new_password: 'another one', auth: proof(carol.userId) }))
    expect((await stream.closed()).code).toBe(4401)
    expect((await kept.ask({ type: 'ping' })).type).toBe('pong')
    await kept.close()
  })
})

it('a token of another device takes no stream over', async () => {
  const carol = await someone()
  const other = await http.login(carol.userId.slice(1).split(':')[0]!)
  const stream = await openStream(server, carol)
  const refused = await stream.ask({ type: 'token', access_token: other.token })
  expect(refused).toMatchObject({ type: 'error', errcode: 'M_FORBIDDEN' })
  must(await other.post('/logout'))
  expect((await stream.ask({ type: 'ping' })).type).toBe('pong')
  must(await carol.post('/logout'))
  expect((await stream.closed()).code).toBe(4401)
})
