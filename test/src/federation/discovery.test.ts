/** Where servers are found, by real answers over TLS of hosts of any name, with a clock that stands until it is told. */
import { describe, expect, it } from 'vitest'
import { discovery } from '../../../src/federation/discovery.ts'
import { type Page, web } from '../../support/federation/web.ts'

const HOUR_MS = 3_600_000
const { pages, asked, send } = web()

function finder({ privateAllowed = false } = {}) {
  const time = { now: 0 }
  const { find } = discovery({
    send,
    deadline: (ms, work) => work(AbortSignal.timeout(ms)),
    clock: { now: () => time.now },
    privateAllowed,
  })
  return { find, time }
}

const path = (host: string) => `https://${host}/.well-known/matrix/server`
const says = (host: string, page: Page) => pages.set(path(host), page)
const delegating = (to: string, headers?: Page['headers']): Page => ({
  body: JSON.stringify({ 'm.server': to }),
  ...(headers && { headers }),
})

says('to-port.example', delegating('real.example:443'))
says('to-name.example', delegating('real.example'))
says('to-ip.example', delegating('93.184.216.34'))
says('to-inside.example', delegating('10.0.0.1:8448'))
says('to-nothing.example', delegating('not a name'))
says('to-list.example', { body: '[]' })
says('to-page.example', { body: '<html>' })
says('large.example', { body: `{"m.server": "real.example:1", "x": "${'x'.repeat(51_200)}"}` })
says('failing.example', { status: 500 })
says('moved.example', { status: 301, headers: { location: '/elsewhere' } })
pages.set('https://moved.example/elsewhere', delegating('real.example:2'))
says('hop.example', { status: 302, headers: { location: path('hop2.example') } })
says('hop2.example', delegating('real.example:3'))
says('hops.example', { status: 302, headers: { location: path('hop.example') } })
says('plain.example', { status: 302, headers: { location: 'http://hop2.example/' } })
says('inward.example', { status: 302, headers: { location: 'https://127.0.0.1/' } })
says('circle.example', { status: 302, headers: { location: path('circle.example') } })

describe('a server is found', () => {
  it.each([
    ['93.184.216.34', '93.184.216.34:8448'],
    ['93.184.216.34:7', '93.184.216.34:7'],
    ['[2606:2800:220:1::1]', '[2606:2800:220:1::1]:8448'],
    ['[2606:2800:220:1::1]:7', '[2606:2800:220:1::1]:7'],
    ['to-port.example:7', 'to-port.example:7'],
  ])('by its name alone, %s at %s', async (name, target) => {
    const before = asked.length
    expect(await finder().find(name)).toBe(target)
    expect(asked.length).toBe(before)
  })

  it.each([
    ['to-port.example', 'real.example:443'],
    ['to-name.example', 'real.example:8448'],
    ['to-ip.example', '93.184.216.34:8448'],
    ['moved.example', 'real.example:2'],
    ['hop.example', 'real.example:3'],
  ])('where its host says, %s at %s', async (name, target) => {
    expect(await finder().find(name)).toBe(target)
  })

  it.each([
    'nothing.example',
    'to-nothing.example',
    'to-list.example',
    'to-page.example',
    'large.example',
    'failing.example',
    'hops.example',
    'plain.example',
    'inward.example',
    'circle.example',
    'gone.example',
  ])('on port 8448 where its host says nothing that counts: %s', async (name) => {
    expect(await finder().find(name)).toBe(`${name}:8448`)
  })
})

describe('private addresses', () => {
  it.each([
    '127.0.0.1',
    '10.0.0.1:8448',
    '[::1]',
    'localhost',
    '2130706433:1',
    'to-inside.example',
    'box.local',
  ])('are not asked: %s', async (name) => {
    expect(await finder().find(name)).toBeUndefined()
  })

  it('are asked where the operator allows it', async () => {
    expect(await finder({ privateAllowed: true }).find('127.0.0.1:9')).toBe('127.0.0.1:9')
  })
})

describe('what a host says is believed', () => {
  it.each([
    ['for a day', undefined, 24],
    ['as long as it says', { 'cache-control': 'public, max-age=10800' }, 3],
    ['at least an hour', { 'cache-control': 'max-age=1' }, 1],
    ['at least an hour', { 'cache-control': 'no-store' }, 1],
    ['at most two days', { 'cache-control': 'max-age=999999999' }, 48],
  ])('%s: %j', async (_, headers, hours) => {
    const { find, time } = finder()
    says('kept.example', delegating('one.example:1', headers))
    expect(await find('kept.example')).toBe('one.example:1')
    says('kept.example', delegating('two.example:2'))
    time.now = hours * HOUR_MS - 1
    expect(await find('kept.example')).toBe('one.example:1')
    time.now = hours * HOUR_MS
    expect(await find('kept.example')).toBe('two.example:2')
  })

  it('for an hour where it says nothing', async () => {
    const { find, time } = finder()
    pages.delete(path('late.example'))
    expect(await find('late.example')).toBe('late.example:8448')
    says('late.example', delegating('one.example:1'))
    time.now = HOUR_MS - 1
    expect(await find('late.example')).toBe('late.example:8448')
    time.now = HOUR_MS
    expect(await find('late.example')).toBe('one.example:1')
  })
})
