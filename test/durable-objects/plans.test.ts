/** How SQLite looks up what the objects ask of their tables: by an index, wherever a table grows. */
import { beforeAll, expect, it } from 'vitest'
import { type Client, must } from '../support/client.ts'
import { type ObjectKind, objectName } from '../support/server.ts'
import { serving } from '../support/serving.ts'

/** Tables that grow with what is said, or with how many people are there. */
const GROWING: Readonly<Record<'ROOM' | 'USER', readonly string[]>> = {
  ROOM: [
    'events',
    'state',
    'members',
    'chain_links',
    'relations',
    'receipts',
    'device_marks',
    'profile_marks',
    'push_members',
  ],
  USER: ['rooms', 'moved', 'account_data', 'inbox', 'outbox', 'outbox_txns', 'backup_keys', 'one_time_keys'],
}

/** Statements that read a table through, and why they may. */
const MAY_SCAN: readonly [statement: RegExp, reason: string][] = [
  [/^SELECT 1 (AS found )?FROM \w+ LIMIT 1$/, 'ends at the first row'],
  [
    /FROM events WHERE flags = 0 ORDER BY pos DESC LIMIT 1/,
    'goes by the key, and ends at the first event that is shown',
  ],
  [/FROM push_members WHERE has_read = 1 OR pos </, 'nearly all of them are told of each event'],
  [
    /FROM state WHERE to_pos IS NULL$/,
    'the whole of the current state is wanted, and its index holds nothing else',
  ],
  [
    /FROM relations WHERE rel_type = 'm.thread' GROUP BY parent_id/,
    'a list of threads is in the order of their latest events',
  ],
  [/^SELECT no, room_id, membership, .* FROM rooms$/, 'read once, when the object wakes'],
  [/^SELECT no, epoch FROM moved$/, 'read once, when the object wakes'],
  [/FROM outbox/, 'holds what is on its way alone'],
  [/FROM account_data$/, 'holds no more than the quota that is counted here'],
]

const { server, http, alice, bob } = serving(['alice', 'bob'])
let room: string

const at = (rest: string) => `/rooms/${encodeURIComponent(room)}/${rest}`
const mine = (client: Client, rest: string) => `/user/${encodeURIComponent(client.userId)}/${rest}`

beforeAll(async () => {
  room = await alice.createRoom({ preset: 'public_chat', name: 'Plans', topic: 'How' })
})

/** What clients do all day, so that its statements are seen. */
async function oneDay(): Promise<void> {
  const first = must(await alice.sync()).body.next_batch
  must(await bob.join(room))
  const said = await alice.say(room, 'one')
  await bob.say(room, 'two')
  const event = encodeURIComponent(said)
  const relates = (relation: object) => ({ msgtype: 'm.text', body: 'related', 'm.relates_to': relation })
  must(await bob.put(at('send/m.room.message/r1'), relates({ rel_type: 'm.thread', event_id: said })))
  must(await bob.put(at('send/m.room.message/r2'), relates({ rel_type: 'm.reference', event_id: said })))
  must(
    await bob.put(at('send/m.reaction/r3'), {
      'm.relates_to': { rel_type: 'm.annotation', event_id: said, key: '+' },
    }),
  )
  must(await bob.put(at(`typing/${bob.userId}`), { typing: true, timeout: 1_000 }))
  must(await bob.post(at(`receipt/m.read/${event}`), {}))
  must(await bob.post(at('read_markers'), { 'm.fully_read': said, 'm.read.private': said }))
  must(await alice.put(at('state/m.room.name/'), { name: 'Other' }))
  must(await alice.put(`/profile/${alice.userId}/displayname`, { displayname: 'Alice' }))
  const pusher = {
    app_id: 'a',
    pushkey: 'k',
    kind: 'http',
    app_display_name: 'a',
    device_display_name: 'd',
    lang: 'en',
  }
  must(
    await bob.post('/pushers/set', {
      ...pusher,
      data: { url: 'https://push.example/_matrix/push/v1/notify' },
    }),
  )
  must(await bob.put('/sendToDevice/org.example/t1', { messages: { [alice.userId]: { '*': { a: 1 } } } }))
  must(await bob.put(mine(bob, 'account_data/org.example'), { a: 1 }))
  must(await bob.put(mine(bob, `${at('account_data/org.example').slice(1)}`), { a: 1 }))
  must(await bob.put(mine(bob, `${at('tags/m.favourite').slice(1)}`), { order: 0.5 }))
  must(await bob.post('/keys/query', { device_keys: { [alice.userId]: [] } }))
  must(
    await bob.post('/keys/claim', {
      one_time_keys: { [alice.userId]: { [alice.deviceId]: 'signed_curve25519' } },
    }),
  )
  must(await bob.get('/keys/changes', { from: first, to: must(await bob.sync()).body.next_batch }))
  const gets = ['messages?dir=b&limit=3', 'messages?dir=f&limit=3', 'members', 'joined_members', 'state']
  for (const path of [...gets, `context/${event}`, `event/${event}`, 'state/m.room.name/', 'aliases'])
    must(await bob.get(at(path)))
  const related = `/_matrix/client/v1${at(`relations/${event}`)}`
  for (const path of [related, `${related}/m.thread`, `/_matrix/client/v1${at('threads')}`])
    must(await bob.get(path))
  must(await bob.get(`/_matrix/client/v1${at('timestamp_to_event')}`, { ts: Date.now(), dir: 'b' }))

  for (const path of ['/notifications', '/devices', '/joined_rooms', '/pushers', '/pushrules/']) {
    must(await bob.get(path))
  }
  expect((await bob.get('/room_keys/keys?version=1')).status).toBe(404)
  must(await bob.post('/search', { search_categories: { room_events: { search_term: 'one' } } }))
  for (const query of [
    { since: first },
    {},
    { full_state: true },
    { since: first, filter: '{"room":{"timeline":{"limit":1}}}' },
  ]) {
    must(await alice.sync(query))
  }
  must(await alice.put(at(`redact/${event}/x1`), {}))
  must(await bob.post(at('leave')))
  must(await bob.post(at('forget')))
  must(await bob.sync())
  await expect
    .poll(() => server.pg('select 1 from events where event_id = $1 and redacted', [said]), {
      timeout: 10_000,
    })
    .toHaveLength(1)
}

/** How SQLite would run it; undefined for what has no plan, such as definitions. */
async function planOf(kind: ObjectKind, name: string, statement: string): Promise<string[]> {
  // Whatever is bound, the plan is the same.
  const rows = await server.sql(kind, name, `EXPLAIN QUERY PLAN ${statement.replaceAll(/\?\d*/g, 'NULL')}`)
  return rows.map(({ detail }) => String(detail))
}

it('uses an index in every table that grows', async () => {
  await oneDay()
  const { body } = must(await http.request('GET', '/_selvedge/test/statements'))
  const names = {
    ROOM: objectName.room(server.serverName, room),
    USER: objectName.user(server.serverName, alice.userId),
  }
  const scans: string[] = []
  for (const kind of ['ROOM', 'USER'] as const) {
    const explained = (body[kind] as string[]).filter((one) =>
      /^\s*(SELECT|INSERT|UPDATE|DELETE|REPLACE|WITH)\b/i.test(one),
    )
    expect(explained.length).toBeGreaterThan(60)
    for (const statement of explained) {
      if (MAY_SCAN.some(([pattern]) => pattern.test(statement.replaceAll(/\s+/g, ' ').trim()))) continue
      const plan = await planOf(kind, names[kind], statement)
      const tables = plan
        .map((line) => /^SCAN (\w+)(?! VIRTUAL)/.exec(line)?.[1])
        .filter((table) => table !== undefined)
      // An alias stands in the plan where the statement has one.
      const real = tables.map(
        (alias) => new RegExp(`\\b(\\w+) (?:AS )?${alias}\\b`, 'i').exec(statement)?.[1] ?? alias,
      )
      const grown = [...tables, ...real].filter((table) => GROWING[kind].includes(table))
      if (grown.length > 0)
        scans.push(`${grown[0]}: ${statement.replaceAll(/\s+/g, ' ')} (${plan.join('; ')})`)
    }
  }
  expect(scans).toEqual([])
})
