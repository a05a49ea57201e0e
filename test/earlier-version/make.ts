/**
 * Makes `test/fixtures/earlier-version.tar.gz`: the data folder of a server of an earlier commit, with a bit of
 * everything that must outlive an upgrade.
 *
 *     git worktree add ../earlier <commit> && (cd ../earlier && npm ci)
 *     node test/earlier-version/make.ts ../earlier
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { projectRoot } from '../../local/paths.ts'
import { makeDevice } from '../support/keys.ts'
import { readPostgres } from './postgres-rows.ts'
import { questions, type Recorded } from './questions.ts'
import type { Account, Scene } from './scene.ts'

const PASSWORD = 'correct horse battery staple'
const SERVER_NAME = 'test.example'
/** The longest delay that a client may ask for. */
const DAY_MS = 86_400_000
const TEXT = 'A note that was kept.'

// biome-ignore lint/suspicious/noExplicitAny: answers of every shape
type Body = any
type Call = (method: string, path: string, body?: unknown) => Promise<Body>

const [checkout] = process.argv.slice(2)
if (checkout === undefined) throw new Error('Name the folder of a checkout of the earlier commit')

const folder = mkdtempSync(join(tmpdir(), 'selvedge-earlier-'))
const server = spawn(
  process.execPath,
  [
    '--disable-warning=ExperimentalWarning',
    join(checkout, 'local/main.ts'),
    ...['--data-dir', folder, '--port', '0', '--server-name', SERVER_NAME],
    ...['--registration', 'open', '--allow-open-registration', 'yes', '--password-cost', 'low'],
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
)
const url = await addressOf(server.stdout)
const scene = await play()
const answers = await record()
// The archive learns of everything before the server stops.
await sleep(5_000)
server.kill('SIGTERM')
await once(server, 'exit')

writeFileSync(join(folder, 'scene.json'), JSON.stringify(scene))
writeFileSync(join(folder, 'answers.json'), JSON.stringify(answers))
writeFileSync(join(folder, 'postgres.json'), JSON.stringify(await readPostgres(join(folder, 'postgres'))))
for (const part of ['postgres', 'run', 'lock']) rmSync(join(folder, part), { recursive: true, force: true })
const archive = join(projectRoot, 'test/fixtures/earlier-version.tar.gz')
execFileSync('tar', ['-cf', archive.replace('.gz', ''), '-C', folder, '.'])
execFileSync('gzip', ['-9nf', archive.replace('.gz', '')])
rmSync(folder, { recursive: true })

async function record(): Promise<Recorded[]> {
  const answered: Recorded[] = []
  for (const question of questions(scene)) {
    const { by, method, path, body } = question
    answered.push({ ...question, answer: await callerOf(scene[by].token)(method, path, body) })
  }
  return answered
}

async function addressOf(output: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: output })) {
    const [, found] = /ready: (http:\S+)/.exec(line) ?? []
    if (found !== undefined) return found
  }
  throw new Error('The server of the earlier commit did not start')
}

function callerOf(token?: string): Call {
  return async (method, path, body) => {
    const raw = typeof body === 'string'
    const answer = await fetch(new URL(path.startsWith('/_') ? path : `/_matrix/client/v3${path}`, url), {
      method,
      headers: {
        'content-type': raw ? 'text/plain' : 'application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      ...(body !== undefined && { body: raw ? body : JSON.stringify(body) }),
    })
    const read = await answer.json()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(read)}`)
    return read
  }
}

async function register(name: string): Promise<Account & { call: Call }> {
  const auth = { type: 'm.login.dummy' }
  const device_id = `${name.toUpperCase()}DEV`
  const body = { username: name, password: PASSWORD, device_id, auth }
  const made = await callerOf()('POST', '/register', body)
  const account = { userId: made.user_id, token: made.access_token, deviceId: made.device_id }
  return { ...account, call: callerOf(account.token) }
}

async function play(): Promise<Scene> {
  const { call: alice, ...aliceAccount } = await register('alice')
  const { call: bob, ...bobAccount } = await register('bob')
  const { userId: aliceId } = aliceAccount
  const { userId: bobId, deviceId: bobDevice } = bobAccount
  let transactions = 0
  const room = async (call: Call, body: Body): Promise<string> =>
    (await call('POST', '/createRoom', body)).room_id
  const send = async (call: Call, roomId: string, type: string, content: Body): Promise<string> => {
    transactions += 1
    const path = `/rooms/${encodeURIComponent(roomId)}/send/${type}/t${transactions}`
    return (await call('PUT', path, content)).event_id
  }
  const say = (call: Call, roomId: string, body: string, more = {}) =>
    send(call, roomId, 'm.room.message', { msgtype: 'm.text', body, ...more })
  const relating = (rel_type: string, event_id: string, more = {}) => ({
    'm.relates_to': { rel_type, event_id, ...more },
  })
  const inRoom = (roomId: string, rest: string) => `/rooms/${encodeURIComponent(roomId)}/${rest}`

  await alice('PUT', `/profile/${aliceId}/displayname`, { displayname: 'Alice of before' })
  const lobby = await room(alice, {
    preset: 'public_chat',
    visibility: 'public',
    name: 'Lobby',
    topic: 'Before the upgrade',
    room_alias_name: 'lobby',
  })
  await bob('POST', `/join/${encodeURIComponent(lobby)}`, {})
  const hello = await say(alice, lobby, 'hello from before')
  const helloTxn = `t${transactions}`
  const redacted = await say(alice, lobby, 'a word too many')
  const { event_id: redaction } = await alice('PUT', inRoom(lobby, `redact/${redacted}/r1`), { reason: 'oh' })
  const root = await say(alice, lobby, 'a thread')
  const reply = await say(bob, lobby, 'a reply', relating('m.thread', root))
  const reaction = await send(bob, lobby, 'm.reaction', relating('m.annotation', hello, { key: '👍' }))
  const edited = await say(bob, lobby, 'a tpyo')
  await say(bob, lobby, '* a typo', {
    'm.new_content': { msgtype: 'm.text', body: 'a typo' },
    ...relating('m.replace', edited),
  })
  await bob('POST', inRoom(lobby, `receipt/m.read/${hello}`), { thread_id: 'main' })
  await bob('POST', inRoom(lobby, 'read_markers'), { 'm.fully_read': hello })

  const space = await room(alice, { name: 'Space', creation_content: { type: 'm.space' } })
  await alice('PUT', inRoom(space, `state/m.space.child/${encodeURIComponent(lobby)}`), {
    via: [SERVER_NAME],
  })
  const left = await room(alice, { preset: 'public_chat', name: 'Left' })
  await bob('POST', `/join/${encodeURIComponent(left)}`, {})
  await say(alice, left, 'before he goes')
  await bob('POST', inRoom(left, 'leave'), {})
  const banned = await room(alice, { preset: 'public_chat', name: 'Banned' })
  await bob('POST', `/join/${encodeURIComponent(banned)}`, {})
  await alice('POST', inRoom(banned, 'ban'), { user_id: bobId, reason: 'spam' })
  const invited = await room(bob, { preset: 'private_chat', name: 'Invited' })
  await bob('POST', inRoom(invited, 'invite'), { user_id: aliceId })

  const delayed = await room(alice, { name: 'Delayed' })
  const { delay_id: delayId } = await alice(
    'PUT',
    `${inRoom(delayed, 'send/m.room.message/d1')}?org.matrix.msc4140.delay=${DAY_MS}`,
    { msgtype: 'm.text', body: 'much later' },
  )

  await alice('PUT', `/user/${aliceId}/account_data/org.example.colour`, { colour: 'teal' })
  await alice('PUT', `/user/${aliceId}/rooms/${encodeURIComponent(lobby)}/account_data/org.example.pin`, {
    pinned: hello,
  })
  await alice('PUT', `/user/${aliceId}/rooms/${encodeURIComponent(lobby)}/tags/m.favourite`, { order: 0.5 })
  const filter = { room: { timeline: { limit: 3 } } }
  const { filter_id: filterId } = await alice('POST', `/user/${aliceId}/filter`, filter)
  await alice('PUT', '/pushrules/global/content/org.example.cake', {
    pattern: 'cake',
    actions: ['notify', { set_tweak: 'highlight' }],
  })
  await bob('POST', '/pushers/set', {
    app_id: 'org.example.app',
    pushkey: 'a-key',
    kind: 'http',
    app_display_name: 'App',
    device_display_name: 'Phone',
    lang: 'en',
    data: { url: 'https://push.example/_matrix/push/v1/notify' },
  })

  const device = makeDevice(bobAccount)
  const oneTimeKeys = 3
  await bob('POST', '/keys/upload', {
    device_keys: device.keys,
    one_time_keys: device.oneTimeKeys(oneTimeKeys),
    fallback_keys: device.fallbackKey(),
  })
  const { version: backupVersion } = await bob('POST', '/room_keys/version', {
    algorithm: 'm.megolm_backup.v1.curve25519-aes-sha2',
    auth_data: { public_key: 'abcdefg', signatures: {} },
  })
  await bob('PUT', `/room_keys/keys/${encodeURIComponent(lobby)}/session1?version=${backupVersion}`, {
    first_message_index: 1,
    forwarded_count: 0,
    is_verified: true,
    session_data: { ciphertext: 'kept' },
  })

  const { content_uri: uri } = await alice('POST', '/_matrix/media/v3/upload?filename=note.txt', TEXT)

  const { refresh_token: refreshToken } = await callerOf()('POST', '/login', {
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user: 'bob' },
    password: PASSWORD,
    refresh_token: true,
  })

  const sync = async (call: Call) => (await call('GET', '/sync')).next_batch
  const since = { alice: await sync(alice), bob: await sync(bob) }
  await alice('PUT', '/sendToDevice/org.example.secret/td1', {
    messages: { [bobId]: { [bobDevice]: { secret: 'waiting' } } },
  })
  const late = await say(alice, lobby, 'after the last sync')

  return {
    serverName: SERVER_NAME,
    password: PASSWORD,
    alice: aliceAccount,
    bob: bobAccount,
    since,
    lobby: {
      ...{ roomId: lobby, alias: `#lobby:${SERVER_NAME}`, hello, helloTxn, redacted, redaction },
      ...{ root, reply, reaction, edited, late },
    },
    ...{ space, left, banned, invited },
    delayed: { roomId: delayed, delayId },
    ...{ filterId, backupVersion, oneTimeKeys },
    refreshToken,
    ed25519: device.key.publicKey,
    media: { uri, text: TEXT },
  }
}
