/** Errors are read by people: each is a sentence that says what is wrong, in one form. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { projectRoot } from '../../local/paths.ts'
import { api } from '../support/client.ts'
import { serving } from '../support/serving.ts'

const { server, alice } = serving(['alice'], { 'password-min-length': '8' })
let room: string

beforeAll(async () => {
  room = await alice.createRoom()
})

it.each([
  ['GET', '/_matrix/client/v1/media/preview_url', undefined, 'M_MISSING_PARAM', 'url is missing'],
  ['POST', '/login', {}, 'M_MISSING_PARAM', 'type is missing'],
  ['POST', '/login', { type: 'm.login.password' }, 'M_MISSING_PARAM', 'identifier is missing'],
  ['POST', '/login', { type: 'm.login.password', user: 'alice' }, 'M_MISSING_PARAM', 'password is missing'],
  ['POST', '/login', { type: 1 }, 'M_BAD_JSON', 'type must be a string'],
  ['POST', '/createRoom', { invite: 'x' }, 'M_BAD_JSON', 'invite must be a list'],
  ['POST', '/createRoom', { is_direct: 'x' }, 'M_BAD_JSON', 'is_direct must be true or false'],
  ['POST', '/createRoom', { preset: 'x' }, 'M_INVALID_PARAM', 'preset must be '],
  ['PUT', '/rooms/ROOM/typing/@alice:test.example', {}, 'M_MISSING_PARAM', 'typing is missing'],
  ['GET', '/rooms/nonsense/state', undefined, 'M_INVALID_PARAM', 'roomId is not a room ID'],
  ['POST', '/rooms/ROOM/invite', { user_id: 'x' }, 'M_INVALID_PARAM', 'user_id is not a user ID'],
  ['POST', '/user_directory/search', {}, 'M_MISSING_PARAM', 'search_term is missing'],
])('%s %s with %j', async (method, path, body, errcode, sentence) => {
  const answer = await api(server).request(method, path.replace('ROOM', room), body, { token: alice.token })
  expect(answer.body.errcode).toBe(errcode)
  expect(answer.body.error).toContain(sentence)
  expect(answer.body.error).not.toMatch(/^\S+: |Invalid input|received/)
})

it.each([
  [
    'POST',
    '/createRoom',
    { initial_state: [{ type: 'm.room.member', content: {} }] },
    'initial_state must not',
  ],
  ['POST', '/login', { type: 'm.login.sso' }, 'This type of login is not supported: use m.login.password'],
  [
    'PUT',
    '/user/@bob:test.example/account_data/a',
    {},
    'The user in the path must be the owner of the access token',
  ],
  ['PUT', '/rooms/ROOM/send/m.room.create/1', {}, 'm.room.create cannot be sent'],
  ['POST', '/users/@alice:test.example/report', { reason: 'x'.repeat(20_000) }, 'reason must not be longer'],
  ['PUT', '/profile/@alice:test.example/nodots', { nodots: 1 }, 'must be like org.example.name'],
])('%s %s says what would be right', async (method, path, body, sentence) => {
  const answer = await api(server).request(method, path.replace('ROOM', room), body, { token: alice.token })
  expect(answer.status).toBeGreaterThanOrEqual(400)
  expect(answer.body.error).toContain(sentence)
})

/** The texts with which errors are made, by file. */
function errorTexts(): { path: string; text: string }[] {
  return ['src', 'durable-objects', 'workers'].flatMap((folder) =>
    globSync(`${folder}/**/*.ts`, { cwd: projectRoot }).flatMap((path) => {
      const source = readFileSync(join(projectRoot, path), 'utf8')
      const made = source.matchAll(/new MatrixError\(\s*'[\w.]+',\s*(['`])((?:\\.|(?!\1).)*)\1/g)
      return [...made].map(([, , text = '']) => ({ path, text }))
    }),
  )
}

it('no error is a field, a colon and part of a sentence', () => {
  const texts = errorTexts()
  expect(texts.length).toBeGreaterThan(200)
  expect(texts.filter(({ text }) => /^\S+: /.test(text))).toEqual([])
})

it.each([
  ['register', { username: 'bob', password: 'short', auth: { type: 'm.login.dummy' } }],
  ['account/password', { new_password: 'short', auth: { type: 'm.login.password' } }],
])('says on /%s how long a password must be', async (path, body) => {
  const token = path === 'register' ? undefined : alice.token
  const { status, body: answer } = await api(server).request('POST', `/${path}`, body, { token })
  expect([status, answer.errcode, answer.error]).toEqual([
    400,
    'M_WEAK_PASSWORD',
    'The password must have at least 8 characters',
  ])
})

it.each(['Bearer a b', 'Bearer \u00e9', 'Bearer x.y'])(
  'a damaged token, %j, is not called missing',
  async (header) => {
    const { status, body } = await api(server).request('GET', '/account/whoami', undefined, {
      headers: { authorization: header },
    })
    expect([status, body.errcode]).toEqual([401, 'M_UNKNOWN_TOKEN'])
  },
)

it.each(['Bearer', 'Bearer ', 'Basic abc', ''])('no token at all, %j, is', async (header) => {
  const { status, body } = await api(server).request('GET', '/account/whoami', undefined, {
    headers: { authorization: header },
  })
  expect([status, body.errcode]).toEqual([401, 'M_MISSING_TOKEN'])
})
