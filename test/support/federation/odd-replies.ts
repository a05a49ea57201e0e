/** What a server may answer that means no good, or knows no better, in place of a good answer. */
import { gzipSync } from 'node:zlib'
import type { Json } from '../../../local/contract/json.ts'
import { oddly } from '../../fuzz/odd-parts.ts'
import { seeded } from '../../fuzz/random.ts'
import { deepJson } from '../../fuzz/values.ts'
import type { Body } from '../client.ts'
import type { Reply } from './remote.ts'

const YEAR_S = 31_536_000
const MANY = 100_000

const raw = (text: string | Uint8Array, headers: Record<string, string> = {}): Reply => ({
  raw: text,
  headers,
})

/** Each list of an answer with something more in it, and each key twice. */
const listsOf = (good: Body, change: (list: Body[], key: string) => unknown): Body =>
  Object.fromEntries(
    Object.entries(good).map(([key, value]) => [key, Array.isArray(value) ? change(value, key) : value]),
  ) as Body

const BOMB = gzipSync(Buffer.alloc(80_000_000, 32))

const REPLIES: Record<string, (good: Body) => Reply> = {
  'no body': () => raw(''),
  'no content': () => ({ status: 204, raw: '' }),
  'a page of HTML': () => ({
    status: 500,
    raw: '<html>'.repeat(20_000),
    headers: { 'content-type': 'text/html' },
  }),
  'a page of HTML that is well': () => raw('<html>', { 'content-type': 'text/html' }),
  'a way to another host': () => ({
    status: 301,
    raw: '',
    headers: { location: 'https://127.0.0.1:1/_matrix/federation/v1/version' },
  }),
  'a teapot': () => ({ status: 418, body: { errcode: 'M_TEAPOT', error: 'x'.repeat(100_000) } as Body }),
  'an error that is no object': () => ({ status: 400, raw: '["M_FORBIDDEN"]' }),
  'an error of odd parts': () => ({ status: 403, raw: '{"errcode":{"a":"\\ud800"},"error":7}' }),
  'that a token is wrong': () => ({ status: 401, body: { errcode: 'M_UNKNOWN_TOKEN', error: 'x' } as Body }),
  'to come back in a year': () => ({
    status: 429,
    body: { errcode: 'M_LIMIT_EXCEEDED', error: 'x', retry_after_ms: 1e300 } as Body,
    headers: { 'retry-after': String(YEAR_S) },
  }),
  nothing: () => raw('null'),
  'a list': () => raw('[]'),
  'an empty object': () => raw('{}'),
  'half a text': (good) => raw(JSON.stringify(good).slice(0, -2)),
  'bytes that are no text': () => raw(new Uint8Array([0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00])),
  'something deep': () => raw(`{"a":${deepJson(100_000)}}`),
  'a part that is deep': (good) =>
    raw(`${JSON.stringify(good).slice(0, -1)},"__proto__":${'['.repeat(50_000)}${']'.repeat(50_000)}}`),
  'lists of deep things': (good) =>
    raw(JSON.stringify(listsOf(good, () => ['@'])).replaceAll('"@"', deepJson(60_000))),
  'half a character as a text': (good) => raw(JSON.stringify(listsOf(good, (list) => ['$\ud800', ...list]))),
  'half a character in an object': (good) =>
    raw(JSON.stringify(listsOf(good, (list) => [{ '\ud800': '\ud800' }, ...list]))),
  'NUL as a text': (good) => raw(JSON.stringify(listsOf(good, (list) => ['$\0', ...list]))),
  'NUL in an object': (good) => raw(JSON.stringify(listsOf(good, (list) => [{ '\0': '\0' }, ...list]))),
  'contents that are deep': (good) =>
    raw(
      JSON.stringify(good, (key, value: unknown) => (key === 'content' ? '@' : value)).replaceAll(
        '"@"',
        deepJson(15_000),
      ),
    ),
  'contents with NUL and half a character': (good) =>
    raw(JSON.stringify(good, (key, value: unknown) => (key === 'content' ? { '\0': '\ud800' } : value))),
  'very much': (good) =>
    raw(JSON.stringify(listsOf(good, (list) => [...list, ...Array.from({ length: MANY }, () => ({}))]))),
  'very many texts': (good) =>
    raw(JSON.stringify(listsOf(good, () => Array.from({ length: MANY }, (_, n) => `$${n}`)))),
  'the same a thousand times': (good) =>
    raw(JSON.stringify(listsOf(good, (list) => Array.from({ length: 1_000 }, () => list).flat()))),
  'something large between': (good) =>
    raw(JSON.stringify(listsOf(good, (list) => [{ x: 'x'.repeat(400_000) }, ...list]))),
  'numbers of all kinds': (good) =>
    raw(
      JSON.stringify(listsOf(good, (list) => [...list, '@'])).replaceAll(
        '"@"',
        `1e400,-0,1.5,${'9'.repeat(5_000)}`,
      ),
    ),
  'a bomb': () => raw(BOMB, { 'content-encoding': 'gzip' }),
  'what is said to be packed': () => raw('{}', { 'content-encoding': 'gzip' }),
  'less than it says': () => 'cut',
  'spaces without end': () => 'endless',
}

export type OddReply = [what: string, reply: (good: Body) => Reply]

/** All that there are, but for odd parts. */
export const ODD_REPLIES: readonly OddReply[] = Object.entries(REPLIES)

/** Those that the network or the runtime has a say in, and what went wrong once. */
const OVER_HTTP = [
  'no content',
  'a way to another host',
  'that a token is wrong',
  'to come back in a year',
  'half a text',
  'half a character as a text',
  'half a character in an object',
  'contents that are deep',
  'very much',
  'very many texts',
  'a bomb',
  'less than it says',
  'spaces without end',
]

const ODD_PARTS = 4

/** Odd answers over HTTP, and some with one odd part. */
export function oddReplies(seed: number): OddReply[] {
  const random = seeded(seed)
  const parts = Array.from(
    { length: ODD_PARTS },
    (_, n): OddReply => [
      `odd part ${n} of ${seed}`,
      (good) => raw(JSON.stringify(oddly(good as Json, random).value)),
    ],
  )
  return [...ODD_REPLIES.filter(([what]) => OVER_HTTP.includes(what)), ...parts]
}
