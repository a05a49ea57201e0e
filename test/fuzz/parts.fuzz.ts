/** Requests of users, consumers, the operator and other servers, each odd in one part of its path, its query or its body. */
import { readFileSync } from 'node:fs'
import { beforeAll, expect, it } from 'vitest'
import type { JsonRecord } from '../../local/contract/json.ts'
import { canonicalJson } from '../../src/protocol/events/canonical-json.ts'
import { makeXMatrix } from '../../src/protocol/federation/x-matrix.ts'
import { newToken, operatorToken } from '../event-stream/reader.ts'
import { must } from '../support/client.ts'
import { federating, remote } from '../support/federation/remote.ts'
import { gather } from './cast.ts'
import { ODD_PARTS, oddly } from './odd-parts.ts'
import { type Random, seeded } from './random.ts'
import { requests, seed, watched } from './watched.ts'

type Asker = 'user' | 'administrator' | 'operator' | 'consumer' | 'server'

/** A line of `requests.txt`. */
interface Model {
  by: Asker
  method: string
  /** Both percent-encoded. */
  path: string
  query: [name: string, value: string][]
  body?: JsonRecord
}

const other = remote()
const watch = watched({ ...federating, 'event-stream': 'on', guests: 'on' })
const text = readFileSync(new URL('requests.txt', import.meta.url), 'utf8')
let models: Model[]
let tokens: Record<Exclude<Asker, 'server'>, string>

beforeAll(async () => {
  const cast = await gather(watch.server)
  const { attacker, http, victim } = cast
  const own = `/user/${encodeURIComponent(attacker.userId)}`
  const backup = { algorithm: 'm.megolm_backup.v1.curve25519-aes-sha2', auth_data: { public_key: 'abc' } }
  const upload = { token: attacker.token, raw: 'hello', headers: { 'content-type': 'text/plain' } }
  const media = await http.request('POST', '/_matrix/media/v3/upload', undefined, upload)
  const [bystander, boss] = [await http.register('bystander'), await http.register('boss')]
  const things: Record<string, string> = {
    alias: cast.victimAlias,
    bystander: bystander.userId,
    backup: must(await attacker.post('/room_keys/version', backup)).body.version,
    device: attacker.deviceId,
    event: cast.ownEvent,
    filter: must(await attacker.post(`${own}/filter`, {})).body.filter_id,
    me: attacker.userId,
    media: must(media).body.content_uri.split('/').at(-1),
    other: victim.userId,
    otherDevice: victim.deviceId,
    room: cast.ownRoom,
    server: other.name,
    shared: cast.sharedRoom,
  }
  const filled = text.replaceAll(/\{(\w+)\}/g, (_, name: string) => things[name] ?? '')
  models = filled
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(modelOf)
  const { token: consumer } = await newToken(watch.server, http)
  const operator = await operatorToken(watch.server)
  const path = `/_selvedge/admin/accounts/${encodeURIComponent(boss.userId)}/admin`
  must(await http.request('PUT', path, { admin: true }, { token: operator }))
  tokens = { user: attacker.token, administrator: boss.token, operator, consumer }
})

function modelOf(line: string): Model {
  const [, by, method = '', target = '', body] = /^(\w+) (\w+) (\S+)(?: (.*))?$/.exec(line) ?? []
  const [path = '', query = ''] = target.split('?')
  return {
    by: by as Asker,
    method,
    path: path
      .split('/')
      .map((part) => encodeURIComponent(decodeURIComponent(part)))
      .join('/'),
    // Nobody gives a value that is empty, but it may become odd.
    query: [...new URLSearchParams(query)],
    ...(body !== undefined && { body: JSON.parse(body) as JsonRecord }),
  }
}

/** The parts of a path before these are the endpoint's own. */
const FIXED = 5

function oddRequest(model: Model, random: Random): { model: Model; what: string } {
  const { method, path, query, body } = model
  const name = `${method} ${path}`
  const parts = path.split('/')
  const choices = [
    ...(body === undefined ? [] : ['body', 'body', 'body']),
    ...(query.length === 0 ? [] : ['query']),
    ...(parts.length <= FIXED ? [] : ['path']),
  ]
  const choice = choices.length === 0 ? 'nothing' : random.pick(choices)
  if (choice === 'body') {
    const odd = oddly(body ?? {}, random)
    return { model: { ...model, body: odd.value }, what: `${name} ${odd.what}` }
  }
  const part = random.pick(ODD_PARTS)
  const what = (of: string) => `${name} ${of} = ${part.slice(0, 60)}`
  if (choice === 'query') {
    const index = random.below(query.length)
    const [key] = query[index]!
    // A poll that is asked to wait for long is allowed to.
    const value = key === 'timeout' && Number(part) > 0 ? '0' : part
    return { model: { ...model, query: query.with(index, [key, value]) }, what: what(`?${key}`) }
  }
  const index = FIXED + random.below(Math.max(1, parts.length - FIXED))
  // An empty part is the path of another endpoint.
  if (choice === 'nothing' || part === '' || parts[index] === undefined) return { model, what: name }
  const changed = parts.with(index, encodeURIComponent(part)).join('/')
  return { model: { ...model, path: changed }, what: what(`/${index}`) }
}

async function send({ by, method, path, query, body }: Model): Promise<{ status: number; text: string }> {
  const given = query.filter(([, value]) => value !== '')
  const search = given.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join('&')
  const uri = search === '' ? path : `${path}?${search}`
  const json = body === undefined ? (method === 'GET' ? undefined : '{}') : JSON.stringify(body)
  const answer = await fetch(watch.server.url + uri, {
    method,
    headers: {
      authorization: by === 'server' ? signature({ method, uri, json }) : `Bearer ${tokens[by]}`,
      ...(json !== undefined && { 'content-type': 'application/json' }),
    },
    body: json,
    redirect: 'manual',
  })
  return { status: answer.status, text: await answer.text() }
}

function signature({ method, uri, json }: { method: string; uri: string; json: string | undefined }): string {
  let content: string | undefined
  try {
    content = json && canonicalJson(JSON.parse(json), 'any')
  } catch {
    // Nobody can sign it.
  }
  return makeXMatrix(other.name, { method, uri, destination: 'test.example', content }, other.key)
}

it(`are answered, and nothing breaks: seed ${seed}`, async () => {
  const random = seeded(seed)
  for (let request = 0; request < requests; request += 1) {
    const { model, what } = oddRequest(models[request % models.length]!, random)
    await watch.watch(what, () => send(model))
  }
  watch.expectNone()
})

it('are all of endpoints that there are', async () => {
  for (const model of models) {
    const { status, text: answer } = await send(model)
    const errcode = (JSON.parse(answer.startsWith('{') ? answer : '{}') as { errcode?: string }).errcode
    const isUnknown = errcode === 'M_UNRECOGNIZED' && (status === 404 || status === 405)
    expect(isUnknown, `${model.method} ${model.path}`).toBe(false)
  }
})
