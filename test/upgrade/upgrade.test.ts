/** A folder that an earlier version wrote: it opens, says the same, and life goes on in it. */
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type Instance, startInstance } from '../../local/instance.ts'
import { readOptions } from '../../local/options/options.ts'
import { ask, type Body, inPath, mustAsk, type Person } from './ask.ts'
import { ALIAS, LATER_TEXT, PASSWORD, PIXEL } from './fill.ts'
import { type EarlierServer, putBack } from './put-back.ts'
import { questions } from './readings.ts'

let earlier: EarlierServer
let instance: Instance
let lines: string[]

beforeAll(async () => {
  earlier = await putBack()
  const workers = inject('workers')
  if ('error' in workers) throw new Error(workers.error)
  const options = readOptions(
    [
      `--data-dir=${earlier.data}`,
      '--port=0',
      '--server-name=earlier.example',
      '--password-cost=low',
      '--rate-limits=off',
      '--log-level=warn',
      '--archive-delay-ms=50',
    ],
    {},
  )
  if (options === 'help') throw new Error('these options are complete')
  lines = []
  instance = await startInstance({ ...options, workers, writeLog: (line) => lines.push(line) })
})

afterAll(async () => {
  await instance?.stop()
  rmSync(earlier.folder, { recursive: true, force: true, maxRetries: 5 })
})

const on = (person: Person) => (method: string, path: string, body?: unknown) =>
  mustAsk(instance.url, person, method, path, body)

/** What depends on the time of asking, and tokens, which only the server reads. */
const passing = new Set([
  'age',
  'last_active_ago',
  'last_seen_ip',
  'last_seen_ts',
  'next_batch',
  'presence',
  'prev_batch',
  'prev_sender_ts',
  'start',
  'end',
])

/** The server's own push rules, which differ between versions. */
const isDefaultRule = (value: Body) => value?.default === true && typeof value.rule_id === 'string'

function lasting(value: Body): Body {
  if (Array.isArray(value)) return value.filter((one) => !isDefaultRule(one)).map(lasting)
  if (value === null || typeof value !== 'object') return value
  const kept = Object.entries(value).filter(([key]) => !passing.has(key))
  return Object.fromEntries(kept.map(([key, one]) => [key, lasting(one)]))
}

describe('a data folder of an earlier version', () => {
  it('was asked the questions that are asked today', () => {
    const asked = earlier.answers.map(({ by, method, path }) => `${by} ${method} ${path}`)
    const today = questions(earlier.filled).map(({ by, method, path }) => `${by} ${method} ${path}`)
    expect(asked).toEqual(today)
  })

  it('is not taken for one that was put together from parts of different times', () => {
    expect(lines.filter((line) => line.includes('restore'))).toEqual([])
  })

  it('answers every question as the earlier version did', async () => {
    for (const { by, method, path, body, answer } of earlier.answers) {
      const today = await mustAsk(instance.url, earlier.filled[by], method, path, body)
      // A later version may say more.
      expect({ path, answer: lasting(today) }).toMatchObject({ path, answer: lasting(answer) })
    }
  })

  it('keeps a push rule of the server switched off', async () => {
    const rule = '/pushrules/global/override/.m.rule.reaction/enabled'
    expect(await on(earlier.filled.alice)('GET', rule)).toEqual({ enabled: false })
  })

  it('sends the event that fell due while no server ran, once', async () => {
    const { bob, laterRoom } = earlier.filled
    const texts = async () => {
      const { chunk } = await on(bob)('GET', `/rooms/${inPath(laterRoom)}/messages?dir=b&limit=10`)
      return chunk.flatMap(({ content }: Body) => (content.body === undefined ? [] : [content.body]))
    }
    await expect.poll(texts, { timeout: 20_000 }).toEqual([LATER_TEXT])
  })

  it('goes on from a sync token of the earlier version', async () => {
    const { alice, bob, room } = earlier.filled
    const recorded = earlier.answers.find(({ path }) => path === '/sync?timeout=0')!
    const since = inPath(recorded.answer.next_batch)
    const path = `/rooms/${inPath(room)}/send/m.room.message/after-the-upgrade`
    const { event_id } = await on(bob)('PUT', path, { msgtype: 'm.text', body: 'A new thread' })
    const { rooms, next_batch } = await on(alice)('GET', `/sync?timeout=10000&since=${since}`)
    const events = rooms.join[room].timeline.events
    expect(events.map((event: Body) => event.event_id)).toEqual([event_id])
    expect(rooms.join[room].unread_notifications.notification_count).toBeGreaterThan(0)
    const silent = await on(alice)('GET', `/sync?timeout=0&since=${inPath(next_batch)}`)
    expect(silent.rooms?.join?.[room]?.timeline?.events ?? []).toEqual([])
  })

  it('answers a transaction id of the earlier version with its event', async () => {
    const { alice, room, root } = earlier.filled
    const path = `/rooms/${inPath(room)}/send/m.room.message/t1`
    const again = await on(alice)('PUT', path, { msgtype: 'm.text', body: 'Where shall we begin?' })
    expect(again).toEqual({ event_id: root })
  })

  it('keeps passwords, refresh tokens and one-time keys usable', async () => {
    const { url } = instance
    const { alice, bob, refreshToken } = earlier.filled
    const login = {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user: 'alice' },
      password: PASSWORD,
    }
    expect((await mustAsk(url, undefined, 'POST', '/login', login)).user_id).toBe(alice.userId)
    const refreshed = await mustAsk(url, undefined, 'POST', '/refresh', { refresh_token: refreshToken })
    const second = { ...bob, token: refreshed.access_token }
    expect((await on(second)('GET', '/account/whoami')).user_id).toBe(bob.userId)
    const claim = { one_time_keys: { [alice.userId]: { [alice.deviceId]: 'signed_curve25519' } } }
    const ids = async () => {
      const { one_time_keys } = await on(bob)('POST', '/keys/claim', claim)
      return Object.keys(one_time_keys[alice.userId][alice.deviceId])
    }
    expect([await ids(), await ids()]).toEqual([['signed_curve25519:AAAA'], ['signed_curve25519:BBBB']])
  })

  it('takes changes of every kind', async () => {
    const { alice, bob, room, publicRoom, root, newest, backupVersion, mxc } = earlier.filled
    const [a, b] = [on(alice), on(bob)]
    await b('POST', `/join/${inPath(ALIAS)}`, {})
    await b('POST', `/rooms/${inPath(room)}/receipt/m.read/${inPath(newest)}`, {})
    await a('PUT', `/rooms/${inPath(room)}/redact/${inPath(root)}/r2`, {})
    expect((await b('GET', `/rooms/${inPath(room)}/event/${inPath(root)}`)).content).toEqual({})
    await a('PUT', `/profile/${alice.userId}/displayname`, { displayname: 'Alice' })
    await a('PUT', `/user/${alice.userId}/account_data/org.example.pattern`, { pattern: 'satin' })
    await a('DELETE', `/room_keys/keys?version=${backupVersion}`)
    await a('DELETE', `/directory/room/${inPath(ALIAS)}`)
    await a('POST', `/rooms/${inPath(publicRoom)}/upgrade`, { new_version: '12' })
    expect((await b('GET', '/joined_rooms')).joined_rooms).toContain(publicRoom)
    expect(await b('GET', `/_matrix/client/v1/media/download/${mxc.slice('mxc://'.length)}`)).toBe(
      PIXEL.toString('base64'),
    )
    expect((await ask(instance.url, undefined, 'GET', `/directory/room/${inPath(ALIAS)}`)).status).toBe(404)
  })

  it('logs no error', () => {
    expect(lines).toEqual([])
  })
})
