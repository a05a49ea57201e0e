/** Previews of URLs, of real sites: what they say comes through, and what is wrong with them does no harm. */
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { PNG, previewing } from '../../support/media/site.ts'

const { server, alice, site, asked, at, serve, answering, ask, previewed, failure, timesAsked } = previewing()

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

  it('is empty if the page says nothing', async () => {
    expect(await previewed(serve('<p>Hello'))).toEqual({})
    expect(await previewed(serve('%PDF-1.7', 'application/pdf'))).toEqual({})
    expect(await previewed(serve(''))).toEqual({})
  })

  it('is read as text, up to a bound', async () => {
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
  it('is resolved by its base, if it has one', async () => {
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

  it('is followed, and relative URLs are resolved by its target', async () => {
    site.set('/deep/page', (_, response) =>
      response
        .writeHead(200, { 'content-type': 'text/html' })
        .end('<title>There</title><meta property="og:image" content="picture.png">'),
    )
    site.set('/deep/picture.png', (_, response) => response.writeHead(200).end(PNG))
    expect(await previewed(to('/deep/page'))).toMatchObject({ 'og:title': 'There', 'og:image:width': 2 })
  })

  it('that leads in a circle is given up', async () => {
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

  it('adds what the page does not say', async () => {
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

  it('is looked for only on the web', async () => {
    expect(await previewed(pageWith('file:///etc/passwd'))).toEqual({})
  })
})
