/** The drill: all objects are lost, and one command makes 50 rooms and 20 users again from Postgres, though it is killed. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { projectRoot } from '../../local/paths.ts'
import { archiveDifferences } from '../support/archive/check.ts'
import { type BorrowedSchema, borrowSchema } from '../support/borrow-schema.ts'
import { api, type Body, type Client, must } from '../support/client.ts'
import { type Ran, runScript } from '../support/command.ts'
import { makeDevice } from '../support/keys.ts'
import { archived, archivedUser, at } from '../support/rebuild.ts'
import { objectName, startServer, type TestServer } from '../support/server.ts'

const USERS = 20
const ROOMS = 50
const AT_ONCE = 5

const folder = mkdtempSync(join(tmpdir(), 'selvedge-drill-'))
const progress = join(folder, '..', `drill-${process.pid}.json`)
let schema: BorrowedSchema
let server: TestServer
let clients: Client[]
let rooms: string[]
let before: Seen[]
let media: string

/** What a user has, as their client sees it. */
interface Seen {
  since: string
  joined: string[]
  invited: string[]
  histories: Record<string, string[]>
  data: Body
  keys: Body
}

const start = async () => {
  const started = await startServer({
    'data-dir': folder,
    sql: schema.service,
    staysAwake: 'its objects are lost as a whole, and only once the archive has all',
  })
  return { ...started, pg: schema.query }
}

async function each<T>(all: readonly T[], work: (one: T, index: number) => Promise<unknown>): Promise<void> {
  const queue = [...all.entries()]
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await work(next[1], next[0])
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

const user = (index: number) => clients[index % USERS]!
const dataOf = (client: Client) => `/user/${encodeURIComponent(client.userId)}/account_data/org.example.mine`

/** Room by room another owner, four members, an invited user, state, messages, receipts. */
async function furnish(index: number): Promise<string> {
  const [owner, ...others] = [0, 1, 2, 3].map((step) => user(index + step * (1 + (index % 4))))
  const room = await owner!.createRoom({ preset: 'public_chat', name: `Room ${index}` })
  for (const other of others) must(await other.join(room))
  const guest = user(index + 17)
  if (![owner, ...others].includes(guest)) await owner!.invite(room, guest.userId)
  await owner!.say(room, `first of ${index}`)
  const last = await others[0]!.say(room, `last of ${index}`)
  must(await owner!.post(at(room, `receipt/m.read/${encodeURIComponent(last)}`)))
  if (index % 10 === 9) must(await others[1]!.post(at(room, 'leave')))
  return room
}

async function equip(client: Client, index: number): Promise<void> {
  must(await client.put(dataOf(client), { index }))
  const device = makeDevice(client)
  must(await client.post('/keys/upload', { device_keys: device.keys, one_time_keys: device.oneTimeKeys(2) }))
  must(
    await client.post('/pushers/set', {
      ...{ app_id: 'app', pushkey: `key${index}`, kind: 'http', lang: 'en' },
      ...{ app_display_name: 'App', device_display_name: 'Phone' },
      data: { url: 'https://127.0.0.1:1/_matrix/push/v1/notify' },
    }),
  )
}

async function seen(client: Client): Promise<Seen> {
  const { body } = must(await client.sync())
  const joined = Object.keys(body.rooms?.join ?? {}).sort()
  const histories: Record<string, string[]> = {}
  for (const room of joined) {
    const { chunk } = must(await client.get(at(room, 'messages'), { dir: 'f', limit: 200 })).body
    histories[room] = chunk.map((event: Body) => event.event_id)
  }
  return {
    since: body.next_batch,
    joined,
    invited: Object.keys(body.rooms?.invite ?? {}).sort(),
    histories,
    data: must(await client.get(dataOf(client))).body,
    keys: must(await client.post('/keys/query', { device_keys: { [client.userId]: [] } })).body.device_keys,
  }
}

const args = () => [
  ...['--public-url', server.url, '--data-dir', folder, '--parallel', '4', '--progress', progress],
]

/** Runs the command, and kills it once all users are there. */
async function killedAfterUsers(): Promise<string> {
  const script = join(projectRoot, 'local/commands/rebuild-all.ts')
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, ...args()], {
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.on('data', (chunk) => {
    said += chunk
    if (said.includes('users: ')) child.kill('SIGKILL')
  })
  await once(child, 'close')
  return said
}

beforeAll(async () => {
  schema = await borrowSchema()
  server = await start()
  const http = api(server)
  clients = []
  for (let index = 0; index < USERS; index += 1) clients.push(await http.register(`user${index}`))
  await each(clients, equip)
  rooms = []
  await each(Array.from({ length: ROOMS }), async (_, index) => {
    rooms[index] = await furnish(index)
  })
  const upload = await http.request('POST', '/_matrix/media/v3/upload', undefined, {
    token: user(0).token,
    raw: 'a picture',
    headers: { 'content-type': 'text/plain' },
  })
  media = must(upload).body.content_uri
  before = []
  await each(clients, async (client, index) => {
    before[index] = await seen(client)
  })
  await each(rooms, (room) => archived(server, room))
  await each(clients, (client) => archivedUser(server, client))
  await server.instance.stop()
  const objects = join(folder, 'objects', 'do')
  expect(readdirSync(objects).length).toBeGreaterThan(1)
  rmSync(objects, { recursive: true })
  rmSync(join(folder, 'redis.sqlite'))
  server = await start()
}, 180_000)

afterAll(async () => {
  await server?.stop()
  await schema?.giveBack()
  for (const path of [folder, progress]) rmSync(path, { recursive: true, force: true, maxRetries: 5 })
})

describe('after the loss of all objects', () => {
  it('a client is told to come again, and not that its session has ended', async () => {
    const client = api(server).as(user(0))
    const answer = await client.sync({ since: before[0]!.since })
    expect([answer.status, answer.body.errcode]).toEqual([503, 'M_UNKNOWN'])
  })

  it('one command makes all of them again, and goes on where it was killed', async () => {
    expect(await killedAfterUsers()).toContain(`users: ${USERS} of ${USERS} rebuilt`)
    expect(existsSync(progress)).toBe(true)
    const { code, stdout, stderr }: Ran = await runScript('rebuild-all', args())
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toContain('goes on with the rebuild that began at')
    expect(stdout).not.toContain('users: ')
    expect(stdout).toContain(`rooms: ${ROOMS} of ${ROOMS} rebuilt`)
    expect(stdout).toContain('everything is rebuilt')
    expect(existsSync(progress)).toBe(false)
  }, 120_000)

  it('each client goes on with a full sync, and has what it had', async () => {
    await each(clients, async (old, index) => {
      const client = api(server).as(old)
      const had = before[index]!
      const { body } = must(await client.sync({ since: had.since }))
      expect(Object.keys(body.rooms.join).sort()).toEqual(had.joined)
      for (const room of had.joined) expect(body.rooms.join[room].timeline.limited).toBe(true)
      const has = await seen(client)
      expect({ ...has, since: '' }).toEqual({ ...had, since: '' })
    })
  }, 120_000)

  it('what is said then reaches everybody, and the rooms know who is to be pushed to', async () => {
    const room = rooms[0]!
    const members = clients.filter((_, index) => before[index]!.joined.includes(room))
    expect(members).toHaveLength(4)
    const [speaker, ...listeners] = members.map((member) => api(server).as(member))
    const tokens = await Promise.all(listeners.map(async (one) => must(await one.sync()).body.next_batch))
    const waiting = listeners.map((one, index) => one.sync({ since: tokens[index], timeout: 20_000 }))
    const eventId = await speaker!.say(room, 'all is well')
    for (const poll of waiting) {
      const { events } = must(await poll).body.rooms.join[room].timeline
      expect(events.map((event: Body) => event.event_id)).toEqual([eventId])
    }
    const name = objectName.room(server.serverName, room)
    const pushed = () => server.sql('ROOM', name, 'SELECT user_id FROM push_members ORDER BY user_id')
    const wanted = members.map(({ userId }) => ({ user_id: userId }))
    await expect
      .poll(pushed, { timeout: 10_000 })
      .toEqual(wanted.sort((a, b) => (a.user_id < b.user_id ? -1 : 1)))
  })

  it('media are where they were', async () => {
    const path = `/_matrix/client/v1/media/download/${media.slice('mxc://'.length)}`
    const answer = await api(server).request('GET', path, undefined, { token: user(0).token })
    expect([answer.status, answer.body]).toEqual([200, 'a picture'])
  })

  it('objects and archive say the same', async () => {
    expect(await archiveDifferences(server)).toEqual([])
  }, 120_000)
})

describe('npm run rebuild:all', () => {
  it.each([
    [['--parallel', '0'], '--parallel must be a number from 1 to 32'],
    [['!room'], 'unexpected argument !room'],
    [['--progress'], '--progress needs a value'],
  ])('refuses %j', async (wrong, sentence) => {
    const { code, stderr } = await runScript('rebuild-all', ['--data-dir', folder, ...wrong])
    expect([code, stderr]).toEqual([2, expect.stringContaining(sentence)])
  })
})
