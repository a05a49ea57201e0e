/** Previews of URLs, of real sites: what they say comes through, and what is wrong with them does no harm. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, api, type Client } from '../../support/client.ts'
import { startServer, type TestServer } from '../../support/server.ts'

/** A PNG of 2 × 1. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAYAAAD0In+KAAAAC0lEQVR4nGNgQAcAABIAAeRVjecAAAAASUVORK5CYII=',
  'base64',
)
const PATH = '/_matrix/client/v1/media/preview_url'

type Answer = (request: IncomingMessage, response: ServerResponse) => void
const site = new Map<string, Answer>()
const asked: IncomingMessage[] = []
let web: Server
let server: TestServer
let http: Api
let alice: Client

beforeAll(async () => {
  web = createServer((request, response) => {
    asked.push(request)
    const answer = site.get(request.url!)
    if (answer === undefined) response.writeHead(404).end()
    else answer(request, response)
  })
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
  server = await startServer({ 'allow-private-networks': 'on' })
  http = api(server)
  alice = await http.register('alice')
})
afterAll(async () => {
  await server?.stop()
  web.closeAllConnections()
  web.close()
})

let pages = 0
const at = (path: string) => `http://127.0.0.1:${(web.address() as AddressInfo).port}${path}`

/** Puts something onto the site, at a path of its own; answers its URL. */
function serve(
  body: string | Buffer,
  type = 'text/html; charset=utf-8',
  headers: Record<string, string> = {},
) {
  return answering((_, response) => response.writeHead(200, { 'content-type': type, ...headers }).end(body))
}

function answering(answer: Answer): string {
  pages += 1
  site.set(`/page${pages}`, answer)
  return at(`/page${pages}`)
}

const ask = (query: string, { path = PATH, client = alice } = {}) =>
  http.request('GET', `${path}?${query}`, undefined, { token: client.token })
const preview = (url: string) => ask(`url=${encodeURIComponent(url)}`)
const previewed = async (url: string) => {
  const { status, body } = await preview(url)
  expect([status, body.errcode]).toEqual([200, undefined])
  return body
}
/** MSC4452. */
const enabledAt = async (at: TestServer, { token }: Client) => {
  const path = '/_matrix/client/v3/capabilities'
  const { body } = await api(at).request('GET', path, undefined, { token })
  return body.capabilities['io.element.msc4452.preview_url'].enabled
}
const failure = async (url: string) => {
  const { status, body } = await preview(url)
  return [status, body.errcode]
}
const timesAsked = (url: string) => asked.filter((request) => at(request.url!) === url).length

describe('a page', () => {
  it('is shown as it describes itself, with its picture among our media', async () => {
    site.set('/cloth.png', (_, response) => response.writeHead(200, { 'content-type': 'image/png' }).end(PNG))
    const url = serve(`<!doctype html><html><head><title>No</title>
      <meta property="og:title" content="Tea &amp; Cloth &mdash; &#x1F9F5;">
      <meta property="og:description" content="Woven\n  slowly">
      <meta property="og:site_name" content="The Loom"><meta property="og:type" content="article">
      <meta property="og:url" content="/canonical"><meta property="og:video" content="https://evil.example/">
      <meta property="og:image" content="/cloth.png"><meta property="og:image:width" content="9999">
      <meta property="og:image:alt" content="Cloth"></head><body>Text</body></html>`)
    const { 'og:image': image, ...rest } = await previewed(url)
    expect(rest).toEqual({
      'og:title': 'Tea & Cloth — 🧵',
      'og:description': 'Woven slowly',
      'og:site_name': 'The Loom',
      'og:type': 'article',
      'og:url': at('/canonical'),
      'og:image:type': 'image/png',
      'og:image:width': 2,
      'og:image:height': 1,
      'og:image:alt': 'Cloth',
      'matrix:image:size': PNG.length,
    })
    expect(image).toMatch(/^mxc:\/\/test\.example\/[\w-]{43}$/)
    const download = await fetch(`${server.url}/_matrix/client/v1/media/download/${image.slice(6)}`, {
      headers: { authorization: `Bearer ${alice.token}` },
    })
    expect(Buffer.from(await download.arrayBuffer())).toEqual(PNG)
    expect(asked.find((request) => at(request.url!) === url)!.headers['user-agent']).toMatch(/^Selvedge /)
  })

  it.each([
    '/_matrix/media/v3/preview_url',
    '/_matrix/media/r0/preview_url',
    '/_matrix/media/v1/preview_url',
  ])('is shown at %s too', async (path) => {
    const url = serve('<title>Old path</title>')
    const { body } = await ask(`url=${encodeURIComponent(url)}&ts=1510610716656`, { path })
    expect(body).toEqual({ 'og:title': 'Old path' })
  })

  it('has other words for the same', async () => {
    const url = serve(
      `<title>  A&nbsp;title &lt;b&gt; </title><meta name="description" content="Plain &quot;words&quot;">`,
    )
    expect(await previewed(url)).toEqual({ 'og:title': 'A title <b>', 'og:description': 'Plain "words"' })
    const card = serve(
      '<meta name="twitter:title" content="Card"><meta name="twitter:image" content="/cloth.png">',
    )
    expect(await previewed(card)).toMatchObject({ 'og:title': 'Card', 'og:image:type': 'image/png' })
  })

  it.each([
    [
      'the header',
      'text/html; charset=windows-1252',
      Buffer.from('<title>Caf\xe9</title>', 'latin1'),
      'Café',
    ],
    [
      'itself',
      'text/html',
      Buffer.from('<meta charset="iso-8859-1"><title>Caf\xe9</title>', 'latin1'),
      'Café',
    ],
    ['a byte order mark', 'text/html', Buffer.from('\ufeff<title>Café</title>', 'utf16le'), 'Café'],
    ['nobody that knows', 'text/html; charset=nonsense', Buffer.from('<title>Café</title>'), 'Café'],
    [
      'a header that is wrong',
      'text/html; charset=utf-8',
      Buffer.from('<title>Caf\xe9</title>', 'latin1'),
      'Caf\ufffd',
    ],
    [
      'a header in quotes',
      'text/html; charset="windows-1251"',
      Buffer.from('<title>\xcf\xf0</title>', 'latin1'),
      'Пр',
    ],
    [
      'the header, whatever it says itself',
      'text/html; charset=utf-8',
      Buffer.from('<meta charset="windows-1251"><title>Café</title>'),
      'Café',
    ],
    [
      'a mark, whatever the header says',
      'text/html; charset=windows-1252',
      Buffer.from('\ufeff<title>Café</title>'),
      'Café',
    ],
    ['nobody, and is UTF-8', 'text/html', Buffer.from('<title>Café</title>'), 'Café'],
    [
      'nobody, and is not UTF-8',
      'text/html',
      Buffer.from('<title>\x93Caf\xe9\x94</title>', 'latin1'),
      '“Café”',
    ],
    [
      'a comment, which says nothing',
      'text/html',
      Buffer.from('<!-- <meta charset="windows-1251"> --><title>Caf\xe9</title>', 'latin1'),
      'Café',
    ],
    [
      'what comes after a comment',
      'text/html',
      Buffer.from('<!--><meta charset="windows-1251"><title>\xcf\xf0</title>', 'latin1'),
      'Пр',
    ],
    [
      'what comes too late',
      'text/html',
      Buffer.from(`<!--${'x'.repeat(1_020)}--><meta charset="windows-1251"><title>Caf\xe9</title>`, 'latin1'),
      'Café',
    ],
    [
      'an attribute of another tag, which says nothing',
      'text/html',
      Buffer.from('<p title="<meta charset=windows-1251>"><title>Caf\xe9</title>', 'latin1'),
      'Café',
    ],
    [
      'a pragma',
      'text/html',
      Buffer.from(
        "<META HTTP-EQUIV='Content-Type' content='text/html; charset=koi8-r'><title>\xf0\xd2</title>",
        'latin1',
      ),
      'Пр',
    ],
    [
      'content that is no pragma',
      'text/html',
      Buffer.from('<meta name="x" content="text/html; charset=koi8-r"><title>Caf\xe9</title>', 'latin1'),
      'Café',
    ],
    [
      'a meta that says UTF-16',
      'text/html',
      Buffer.from('<meta charset="utf-16"><title>Café</title>'),
      'Café',
    ],
    [
      'a meta that says x-user-defined',
      'text/html',
      Buffer.from('<meta charset="x-user-defined"><title>Caf\xe9</title>', 'latin1'),
      'Café',
    ],
    [
      'a second meta, where the first one knows none',
      'text/html',
      Buffer.from('<meta charset="x"><meta charset=shift_jis><title>\x83e\x83X\x83g</title>', 'latin1'),
      'テスト',
    ],
    [
      'its XML declaration',
      'application/xhtml+xml',
      Buffer.from('<?xml version="1.0" encoding="ISO-8859-2"?><html><title>\xb9</title></html>', 'latin1'),
      'š',
    ],
  ])('is read in the encoding named by %s', async (_, type, body, title) => {
    expect(await previewed(serve(body, type))).toEqual({ 'og:title': title })
  })

  it('may be compressed', async () => {
    const url = serve(gzipSync('<title>Small</title>'), 'text/html', { 'content-encoding': 'gzip' })
    expect(await previewed(url)).toEqual({ 'og:title': 'Small' })
  })

  it('is asked for once an hour, and a site that fails once a minute', async () => {
    const url = serve('<title>Once</title>')
    for (const _ of [1, 2]) expect(await previewed(url)).toEqual({ 'og:title': 'Once' })
    expect(await previewed(`${url}#part`)).toEqual({ 'og:title': 'Once' })
    expect(timesAsked(url)).toBe(1)
    const missing = at('/missing')
    for (const _ of [1, 2]) expect(await failure(missing)).toEqual([502, 'M_UNKNOWN'])
    expect(timesAsked(missing)).toBe(1)
  })

  it('is shown while Redis is away', async () => {
    const url = serve('<title>No cache</title>')
    server.redis.stop()
    try {
      expect(await previewed(url)).toEqual({ 'og:title': 'No cache' })
    } finally {
      server.redis.start()
    }
  })

  it('says nothing where there is nothing to say', async () => {
    expect(await previewed(serve('<p>Hello'))).toEqual({})
    expect(await previewed(serve('%PDF-1.7', 'application/pdf'))).toEqual({})
    expect(await previewed(serve(''))).toEqual({})
  })

  it('is read as text and no further than it should be', async () => {
    const url =
      serve(`<script>document.title='x'</script><title>${'&lt;script&gt;alert(1)&lt;/script&gt;'}</title>
      <svg><title>Second</title></svg><meta property="og:description" content="${'long '.repeat(1_000)}">
      <meta property="og:image" content="javascript:alert(1)"><meta property="og:url" content="data:text/html,x">
      <meta property="__proto__" content="x"><meta property="og:title\u0000" content="x"><meta content='x" <<< `)
    const { 'og:description': description, ...rest } = await previewed(url)
    expect(rest).toEqual({ 'og:title': '<script>alert(1)</script>' })
    expect(description.length).toBe(1_000)
  })

  it('that never ends is cut off', async () => {
    let isCut = false
    const url = answering((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).write('<title>Endless</title>')
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
        response.once('drain', more)
      }
      response.on('close', () => {
        isCut = true
      })
      more()
    })
    expect(await previewed(url)).toEqual({ 'og:title': 'Endless' })
    await expect.poll(() => isCut).toBe(true)
  })

  it('that unpacks to more than it should is cut off', async () => {
    const bomb = gzipSync(`<title>Bomb</title>${' '.repeat(50_000_000)}`)
    const url = serve(bomb, 'text/html', { 'content-encoding': 'gzip' })
    expect(await previewed(url)).toEqual({ 'og:title': 'Bomb' })
  })

  it('that does not come to an end in time is given up', { timeout: 30_000 }, async () => {
    const url = answering((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).write('<title>Slow')
    })
    expect(await failure(url)).toEqual([502, 'M_UNKNOWN'])
  })
})

describe('what is relative on a page', () => {
  it('is so to its base, where it has one', async () => {
    site.set('/there/woven.png', (_, response) => response.writeHead(200).end(PNG))
    const url = serve(
      '<base href="/there/"><base href="/no/"><title>T</title><meta property="og:image" content="woven.png">',
    )
    expect(await previewed(url)).toMatchObject({ 'og:title': 'T', 'og:image:width': 2 })
  })

  it.each(['javascript:alert(1)', 'data:text/html,x', 'http://[', ''])(
    'is so to the page where the base is “%s”',
    async (base) => {
      site.set('/woven.png', (_, response) => response.writeHead(200).end(PNG))
      const url = serve(`<base href="${base}"><meta property="og:image" content="/woven.png">`)
      expect(await previewed(url)).toMatchObject({ 'og:image:width': 2 })
    },
  )
})

describe('a redirect', () => {
  const to = (location: string) => answering((_, response) => response.writeHead(302, { location }).end())

  it('is followed, and what is relative is so to where it leads', async () => {
    site.set('/deep/page', (_, response) =>
      response
        .writeHead(200, { 'content-type': 'text/html' })
        .end('<title>There</title><meta property="og:image" content="picture.png">'),
    )
    site.set('/deep/picture.png', (_, response) => response.writeHead(200).end(PNG))
    expect(await previewed(to('/deep/page'))).toMatchObject({ 'og:title': 'There', 'og:image:width': 2 })
  })

  it('that turns in a circle is left', async () => {
    const url = answering((request, response) => response.writeHead(302, { location: request.url! }).end())
    expect(await failure(url)).toEqual([502, 'M_UNKNOWN'])
    expect(timesAsked(url)).toBe(6)
  })

  it.each(['file:///etc/passwd', 'http://user:pw@127.0.0.1/', ''])(
    'to “%s” leads nowhere',
    async (location) => {
      expect(await failure(to(location))).toEqual([502, 'M_UNKNOWN'])
    },
  )
})

describe('a picture', () => {
  it('is a preview by itself, and stored once', async () => {
    const [first, second] = [
      await previewed(serve(PNG, 'image/png')),
      await previewed(serve(PNG, 'image/x-any')),
    ]
    expect(first).toMatchObject({ 'og:image:type': 'image/png', 'matrix:image:size': PNG.length })
    expect(second).toEqual(first)
  })

  it.each([
    ['too large', () => serve(Buffer.concat([PNG, Buffer.alloc(6_000_000)]), 'image/png')],
    [
      'none',
      () => serve('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', 'image/svg+xml'),
    ],
    ['missing', () => at('/nowhere.png')],
    ['a page', () => serve('<title>x</title>', 'image/png')],
  ])('of a page is left out when it is %s', async (_, picture) => {
    const url = serve(`<title>Still here</title><meta property="og:image" content="${picture()}">`)
    expect(await previewed(url)).toEqual({ 'og:title': 'Still here' })
  })
})

describe('oEmbed', () => {
  const pageWith = (href: string) =>
    serve(`<link rel="alternate" type="application/json+oembed" href="${href.replaceAll('&', '&amp;')}">`)

  it('says what the page does not', async () => {
    const json = { type: 'video', title: 'Weaving', provider_name: 'Tube', thumbnail_url: at('/cloth.png') }
    const href = serve(JSON.stringify(json), 'application/json')
    expect(await previewed(pageWith(href))).toMatchObject({
      'og:title': 'Weaving',
      'og:site_name': 'Tube',
      'og:image:type': 'image/png',
    })
  })

  it('may write its words as a page would', async () => {
    const json = { type: 'link', title: 'Tea &amp; Cloth&#39;s', provider_name: 'A&nbsp;B' }
    const href = serve(JSON.stringify(json), 'application/json')
    expect(await previewed(pageWith(href))).toEqual({ 'og:title': "Tea & Cloth's", 'og:site_name': 'A B' })
  })

  it.each([
    ['broken', '{"title"', 'application/json'],
    ['of wrong types', '{"title":{"a":1},"thumbnail_url":5}', 'application/json'],
    ['no object', '[1]', 'application/json'],
    ['another thing', '{"title":"x"}', 'text/html'],
    ['too large', `{"title":"x","html":"${'x'.repeat(200_000)}"}`, 'application/json'],
  ])('that is %s says nothing', async (_, body, type) => {
    expect(await previewed(pageWith(serve(body, type)))).toEqual({})
  })

  it('is looked for nowhere but on the web', async () => {
    expect(await previewed(pageWith('file:///etc/passwd'))).toEqual({})
  })
})

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

  it('of an address without a server fails, and tells nothing more', async () => {
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

  it('is not made at all where the operator wants none', async () => {
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
