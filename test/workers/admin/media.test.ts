/** What the operator does with single uploads, and the question whether the Worker reaches itself. */
import { describe, expect, it } from 'vitest'
import { type Answer, must } from '../../support/client.ts'
import { serving } from '../../support/serving.ts'

const { server, http, alice, bob } = serving(['alice', 'bob'], { 'max-media-bytes-per-user': '10' })

const upload = async (text: string): Promise<string> => {
  const { body } = must(
    await http.request('POST', '/_matrix/media/v3/upload', undefined, {
      token: alice.token,
      raw: text,
      headers: { 'content-type': 'text/plain' },
    }),
  )
  return body.content_uri.split('/').at(-1)
}
const download = (mediaId: string) =>
  bob.get(`/_matrix/client/v1/media/download/${server.serverName}/${mediaId}`)
const failure = ({ status, body }: Answer) => [status, body.errcode]

describe('an upload', () => {
  it('is taken away with what it counts for its owner', async () => {
    await server.pg("update accounts set admin = true where localpart = 'bob'")
    const [first, second] = [await upload('12345'), await upload('6789')]
    await expect(upload('a word too long')).rejects.toThrow('403')
    expect((await bob.delete(`/_selvedge/admin/media/${first}`)).body).toEqual({
      media_id: first,
      owner: alice.userId,
    })
    expect(failure(await download(first))).toEqual([404, 'M_NOT_FOUND'])
    expect(must(await download(second)).body).toBe(6789)
    expect(await server.pg('select media_id from media')).toEqual([{ media_id: second }])
    expect(Number((await server.pg('select bytes from media_usage'))[0]!.bytes)).toBe(4)
    must(await download(await upload('again')))
  })

  it('that is not there is not taken away', async () => {
    await server.pg("update accounts set admin = true where localpart = 'bob'")
    expect(failure(await bob.delete('/_selvedge/admin/media/nothing'))).toEqual([404, 'M_NOT_FOUND'])
  })

  it('is not taken away by its owner, nor by a stranger', async () => {
    const mediaId = await upload('x')
    const path = `/_selvedge/admin/media/${mediaId}`
    expect(failure(await alice.delete(path))).toEqual([403, 'M_FORBIDDEN'])
    expect(failure(await http.request('DELETE', path))).toEqual([401, 'M_MISSING_TOKEN'])
    must(await download(mediaId))
  })
})

describe('the fan-out', () => {
  const ask = (userId: string) => bob.post(`/_selvedge/admin/fan-out/${encodeURIComponent(userId)}`)

  it('reaches a user for the operator', async () => {
    await server.pg("update accounts set admin = true where localpart = 'bob'")
    expect(must(await ask(alice.userId)).body).toEqual({ reached: true })
    expect(failure(await ask('@nobody:test.example'))).toEqual([404, 'M_NOT_FOUND'])
    expect(failure(await ask('@alice:elsewhere.example'))[1]).not.toBeUndefined()
  })

  it('is not called by a user', async () => {
    const path = `/_selvedge/admin/fan-out/${encodeURIComponent(bob.userId)}`
    expect(failure(await alice.post(path))).toEqual([403, 'M_FORBIDDEN'])
  })
})
