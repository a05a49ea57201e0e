/** The status pages, as far as they need no browser; `test/clients/status.heavy.ts` has the rest. */
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { must } from '../../support/client.ts'
import { serving } from '../../support/serving.ts'

const TOKEN = 'a-token-for-the-status'
const PAGES = ['', '/redis', '/postgres', '/media']

const { server, http, alice } = serving(['alice'], {
  'metrics-token': TOKEN,
  'session-cache': 'redis',
  staysAwake: 'what lies in Redis is looked at',
})

const authorization = `Basic ${Buffer.from(`operator:${TOKEN}`).toString('base64')}`

async function page(path: string, query = '') {
  const answer = await fetch(`${server.url}/_selvedge/status${path}${query}`, { headers: { authorization } })
  return { status: answer.status, headers: answer.headers, text: await answer.text() }
}

describe('a page of the status', () => {
  it.each(PAGES)('%s asks a browser for the token', async (path) => {
    const answer = await fetch(`${server.url}/_selvedge/status${path}`)
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toMatch(/^Basic realm="/)
    expect(await answer.text()).not.toContain('<main')
    const wrong = { authorization: `Basic ${Buffer.from('operator:x').toString('base64')}` }
    expect((await fetch(`${server.url}/_selvedge/status${path}`, { headers: wrong })).status).toBe(401)
  })

  it.each(PAGES)(
    '%s holds its style and its script itself, and lets the browser run and fetch nothing else',
    async (path) => {
      const { status, headers, text } = await page(path)
      expect(status).toBe(200)
      const policy = headers.get('content-security-policy')!
      for (const tag of ['style', 'script type="module"']) {
        const [, inside] = new RegExp(`<${tag}>([^]*?)</${tag.split(' ')[0]}>`).exec(text)!
        expect(policy).toContain(`'sha256-${createHash('sha256').update(inside!).digest('base64')}'`)
      }
      expect(policy).toContain("default-src 'none'")
      expect(policy).not.toMatch(/unsafe|https?:|\*/)
      expect(text).not.toMatch(/(src|href)="(?!\/_selvedge\/status)/)
    },
  )

  it.each(PAGES)('%s answers what changes of it alone', async (path) => {
    const { text } = await page(path, '?fresh')
    expect(text).toMatch(/^<main data-every="\d+">/)
    expect(text).not.toContain('<style')
    const [, points] = /<script type="application\/json" id="points">(.*?)<\/script>/.exec(text)!
    expect(Array.isArray(JSON.parse(points!))).toBe(true)
  })
})

const tile = (text: string, title: string) => new RegExp(`<dt>${title}</dt><dd>([^<]*)</dd>`).exec(text)?.[1]

it('the first page has the counts of the whole server, and a row for each consumer that had work', async () => {
  await alice.say(await alice.createRoom(), 'hello')
  const { text } = await page('')
  expect(Number(tile(text, 'Events so far'))).toBeGreaterThan(0)
  expect(tile(text, 'Postgres')).toBe('answers')
  expect(tile(text, 'Redis')).toBe('answers')
  expect(text).toMatch(/<td class="">room<\/td><td class="">archive<\/td>/)
  expect(text).not.toContain(alice.userId)
})

it('the page of Redis has its keys by kind with their times to live, and the slowest requests without a key', async () => {
  must(await (await http.login('alice')).get('/account/whoami'))
  const { text } = await page('/redis')
  const [, count, first, last] =
    /<td class="">session<\/td><td class="number">(\d+)<\/td><td class="number">([^<]+)<\/td><td class="number">([^<]+)<\/td>/.exec(
      text,
    )!
  expect(Number(count)).toBeGreaterThan(0)
  for (const life of [first!, last!]) expect(life).toMatch(/^[\d.]+ (s|min)$/)
  expect(text).toMatch(/<td class="">(get|set) session<\/td>/)
  expect(text).not.toMatch(/session:/)
})

it('the page of Postgres has its tables, and the slowest statements without their values', async () => {
  const { text } = await page('/postgres')
  expect(text).toContain('<td class="">accounts</td>')
  expect(tile(text, 'Size')).toMatch(/^[\d.]+ (KiB|MiB|GiB)$/)
  expect(text).toMatch(/<td class="">select [^<]*/i)
  expect(text).not.toContain('alice')
})

it('the page of media has the sums of what users keep, without their names', async () => {
  const raw = 'x'.repeat(2_048)
  must(await http.request('POST', '/_matrix/media/v3/upload', undefined, { token: alice.token, raw }))
  const { text } = await page('/media')
  expect(tile(text, 'Uploads kept')).toBe('2 KiB')
  expect(tile(text, 'Users that uploaded')).toBe('1')
  expect(text).toContain('<td class="">1.</td><td class="number">2 KiB</td>')
})

it('the pages say when a store is away', async () => {
  server.postgres.stop()
  server.redis.stop()
  try {
    for (const [path, title] of [
      ['', 'Postgres'],
      ['', 'Redis'],
      ['/postgres', 'Now'],
      ['/redis', 'Now'],
      ['/media', 'The index in Postgres'],
    ] as const) {
      const { status, text } = await page(path)
      expect([status, tile(text, title)]).toEqual([200, 'is away'])
    }
  } finally {
    server.postgres.start()
    server.redis.start()
  }
})

describe('the services', () => {
  const time = async (body: string, headers: Record<string, string> = { authorization }) => {
    const answer = await fetch(`${server.url}/_selvedge/status/services`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    })
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }

  it('are timed: 1,000 operations of Redis and 100 updates of presence', async () => {
    const calls = server.redis.calls
    const { status, body } = await time('{}')
    expect(status).toBe(200)
    const numbers = {
      ms: expect.any(Number),
      per_second: expect.any(Number),
      half_ms: expect.any(Number),
      most_ms: expect.any(Number),
    }
    expect(body).toEqual({
      redis: { operations: 1_000, ...numbers },
      presence: { operations: 100, ...numbers },
    })
    // A hundred one by one, and the others by pipelines.
    expect(server.redis.calls - calls).toBe(118)
    expect(
      (await http.request('GET', '/_selvedge/test/calls')).body['user.hearPresences'],
    ).toBeGreaterThanOrEqual(100)
  })

  it('are not timed for a stranger, nor by what another site has a browser send', async () => {
    const calls = server.redis.calls
    expect((await time('{}', {})).status).toBe(401)
    expect((await time('{}', { authorization, 'sec-fetch-site': 'cross-site' })).status).toBe(401)
    expect((await time('x=1')).status).toBe(400)
    expect(server.redis.calls - calls).toBe(0)
  })

  it('answer an error when one of them is away', async () => {
    server.redis.stop()
    try {
      expect((await time('{}')).status).toBe(503)
    } finally {
      server.redis.start()
    }
  })
})
