/** Rendezvous sessions, by which two devices meet to sign in by QR code (MSC4108). */
import { MSC4108RendezvousSession } from 'matrix-js-sdk/lib/rendezvous/index.js'
import { describe, expect, it } from 'vitest'
import { type Answer, api, must } from '../../../support/client.ts'
import { startServer } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'
import '../../../clients/silence.ts'

const PATH = '/_matrix/client/unstable/org.matrix.msc4108/rendezvous'

const { server, http } = serving()

type Conditions = { 'if-match'?: string; 'if-none-match'?: string; 'content-type'?: string }

const ask = (method: string, path: string, raw?: string | Uint8Array, headers: Conditions = {}) =>
  http.request(method, path, undefined, {
    raw,
    headers: { ...(raw !== undefined && { 'content-type': 'text/plain' }), ...headers } as Record<
      string,
      string
    >,
  })

async function create(payload: string): Promise<{ path: string; etag: string; answer: Answer }> {
  const answer = must(await ask('POST', PATH, payload))
  return { path: new URL(answer.body.url).pathname, etag: answer.headers.get('etag') ?? '', answer }
}

const outcome = ({ status, body }: Answer) => [status, body.errcode]

describe('a rendezvous session', () => {
  it('is made without an account, and says where it is and how long it lasts', async () => {
    const { answer } = await create('')
    expect(answer.status).toBe(201)
    expect(answer.body.url).toMatch(new RegExp(`^${server.url}${PATH}/[A-Za-z0-9]{32}$`))
    expect(answer.headers.get('etag')).toMatch(/^".+"$/)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const lifetime = Date.parse(answer.headers.get('expires') ?? '') - Date.now()
    expect(lifetime).toBeGreaterThan(60_000)
    expect(Date.parse(answer.headers.get('last-modified') ?? '')).toBeLessThanOrEqual(Date.now())
  })

  it('gives what was written, until the reader has it', async () => {
    const { path, etag } = await create('hello ä')
    const read = await ask('GET', path)
    expect([read.status, read.body, read.headers.get('etag')]).toEqual([200, 'hello ä', etag])
    expect(read.headers.get('content-type')).toBe('text/plain')
    const again = await ask('GET', path, undefined, { 'if-none-match': etag })
    expect([again.status, again.body, again.headers.get('etag')]).toEqual([304, '', etag])
  })

  it('takes a new text over the version that the writer has seen', async () => {
    const { path, etag } = await create('one')
    const written = await ask('PUT', path, 'two', { 'if-match': etag })
    expect(written.status).toBe(202)
    expect(written.headers.get('etag')).not.toBe(etag)
    const read = await ask('GET', path, undefined, { 'if-none-match': etag })
    expect([read.status, read.body, read.headers.get('etag')]).toEqual([
      200,
      'two',
      written.headers.get('etag'),
    ])
  })

  it('refuses a text over an older version, and keeps what it has', async () => {
    const { path, etag } = await create('one')
    must(await ask('PUT', path, 'two', { 'if-match': etag }))
    for (const stale of [etag, '"nonsense"', '*']) {
      const refused = await ask('PUT', path, 'three', { 'if-match': stale })
      expect(outcome(refused)).toEqual([412, 'M_UNKNOWN'])
      expect(refused.body['org.matrix.msc4108.errcode']).toBe('M_CONCURRENT_WRITE')
    }
    expect((await ask('GET', path)).body).toBe('two')
  })

  it('takes only one of many texts that are written at once', async () => {
    const { path, etag } = await create('start')
    const texts = Array.from({ length: 12 }, (_, n) => `text ${n}`)
    const answers = await Promise.all(texts.map((text) => ask('PUT', path, text, { 'if-match': etag })))
    const won = texts.filter((_, n) => answers[n]?.status === 202)
    expect(won).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 412)).toHaveLength(11)
    expect((await ask('GET', path)).body).toBe(won[0])
  })

  it('is gone when it is deleted, for reading, writing and deleting', async () => {
    const { path, etag } = await create('one')
    expect((await ask('DELETE', path)).status).toBe(204)
    expect(outcome(await ask('GET', path))).toEqual([404, 'M_NOT_FOUND'])
    expect(outcome(await ask('PUT', path, 'two', { 'if-match': etag }))).toEqual([404, 'M_NOT_FOUND'])
    expect(outcome(await ask('DELETE', path))).toEqual([404, 'M_NOT_FOUND'])
  })

  it('survives kill -9', async () => {
    const { path } = await create('kept')
    await server.restart()
    expect((await ask('GET', path)).body).toBe('kept')
  })

  it('lets browsers read its ETags and send them', async () => {
    const { path, answer } = await create('')
    for (const { headers } of [answer, await ask('OPTIONS', path), await ask('GET', `${PATH}/none`)]) {
      expect(headers.get('access-control-allow-headers')).toContain('If-Match, If-None-Match')
      expect(headers.get('access-control-expose-headers')).toContain('ETag')
    }
  })
})

describe('what is no text for a session', () => {
  it('is refused', async () => {
    const { path, etag } = await create('one')
    const match = { 'if-match': etag }
    expect(outcome(await ask('POST', PATH, 'x'.repeat(4097)))).toEqual([413, 'M_TOO_LARGE'])
    expect(outcome(await ask('PUT', path, 'x'.repeat(4097), match))).toEqual([413, 'M_TOO_LARGE'])
    expect(outcome(await ask('PUT', path, Uint8Array.of(0xff), match))).toEqual([400, 'M_INVALID_PARAM'])
    const json = { 'content-type': 'application/json' }
    expect(outcome(await ask('POST', PATH, '{}', json))).toEqual([400, 'M_INVALID_PARAM'])
    expect(outcome(await ask('POST', PATH))).toEqual([400, 'M_MISSING_PARAM'])
    expect(outcome(await ask('PUT', path, 'two'))).toEqual([400, 'M_MISSING_PARAM'])
    expect((await ask('GET', path)).body).toBe('one')
  })
})

describe('two devices on matrix-js-sdk', () => {
  it('exchange texts', async () => {
    const phone = new MSC4108RendezvousSession({ fallbackRzServer: `${server.url}${PATH}` })
    await phone.send('')
    const laptop = new MSC4108RendezvousSession({ url: phone.url! })
    expect(await laptop.receive()).toBe('')
    await laptop.send('from the laptop')
    expect(await phone.receive()).toBe('from the laptop')
    await phone.send('from the phone')
    expect(await laptop.receive()).toBe('from the phone')
    await phone.close()
    expect(await laptop.receive()).toBeUndefined()
  })
})

describe('with rate limits', () => {
  it('are counted together if addresses are not known', async () => {
    const limited = await startServer({ 'rate-limits': 'on' })
    try {
      const post = () =>
        api(limited).request('POST', PATH, undefined, { raw: '', headers: { 'content-type': 'text/plain' } })
      const answers = []
      for (let n = 0; n < 62; n += 1) answers.push((await post()).status)
      expect(answers).toContain(201)
      expect(answers).toContain(429)
    } finally {
      await limited.stop()
    }
  })
})
