/** Who may ask for a preview, and of what. */
import { describe, expect, it } from 'vitest'
import { api, type Client } from '../../support/client.ts'
import { PATH, previewing } from '../../support/media/site.ts'
import { startServer, type TestServer } from '../../support/server.ts'

const { server, http, alice, at, serve, ask, preview, timesAsked } = previewing()

/** MSC4452. */
const enabledAt = async (at: TestServer, { token }: Client) => {
  const path = '/_matrix/client/v3/capabilities'
  const { body } = await api(at).request('GET', path, undefined, { token })
  return body.capabilities['io.element.msc4452.preview_url'].enabled
}

describe('a preview', () => {
  it.each([
    ['', 'M_MISSING_PARAM'],
    ['url=', 'M_INVALID_PARAM'],
    ['url=nonsense', 'M_INVALID_PARAM'],
    ['url=ftp%3A%2F%2Fexample.org', 'M_INVALID_PARAM'],
    ['url=http%3A%2F%2Fa%3Ab%40example.org', 'M_INVALID_PARAM'],
    ['url=http%3A%2F%2Fexample.org&ts=soon', 'M_INVALID_PARAM'],
  ])('for “%s” is refused', async (query, errcode) => {
    const { status, body } = await ask(query)
    expect([status, body.errcode]).toEqual([400, errcode])
  })

  it('wants a token', async () => {
    const { status, body } = await http.request('GET', `${PATH}?url=${encodeURIComponent(at('/'))}`)
    expect([status, body.errcode]).toEqual([401, 'M_MISSING_TOKEN'])
  })

  it('of an address without a server fails, and says nothing more', async () => {
    const { status, body } = await preview('http://127.0.0.1:1/')
    expect([status, body]).toEqual([
      502,
      { errcode: 'M_UNKNOWN', error: 'Nothing could be read at that address' },
    ])
  })

  it('is not made of private addresses, unless the operator allows them', async () => {
    const closed = await startServer({ 'rate-limits': 'on' })
    try {
      const bob = await api(closed).register('bob')
      const url = serve('<title>Inside</title>')
      const answer = (target: string) =>
        api(closed).request('GET', `${PATH}?url=${encodeURIComponent(target)}`, undefined, {
          token: bob.token,
        })
      for (const target of [
        url,
        url.replace('127.0.0.1', 'localhost'),
        url.replace('127.0.0.1', '[::ffff:7f00:1]'),
      ]) {
        const { status, body } = await answer(target)
        expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN'])
      }
      expect(timesAsked(url)).toBe(0)
      const many = await Promise.all(Array.from({ length: 40 }, () => answer(url)))
      expect(many.map(({ status }) => status)).toContain(429)
    } finally {
      await closed.stop()
    }
  })

  it('is not made at all if the operator wants none', async () => {
    const off = await startServer({ 'url-previews': 'off' })
    try {
      const bob = await api(off).register('bob')
      expect(await enabledAt(off, bob)).toBe(false)
      expect(await enabledAt(server, alice)).toBe(true)
      const { status, body } = await api(off).request(
        'GET',
        `${PATH}?url=https%3A%2F%2Fexample.org`,
        undefined,
        {
          token: bob.token,
        },
      )
      expect([status, body.errcode]).toEqual([404, 'M_UNRECOGNIZED'])
    } finally {
      await off.stop()
    }
  })
})
