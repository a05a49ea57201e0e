/** One alarm for many jobs: each has its own time, and its own backoff. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { answerAlarm } from '../../durable-objects/answer-alarm.ts'
import { history, inRoom } from '../faults/helpers.ts'
import { type Api, api, type Client, must } from '../support/client.ts'
import { eventually } from '../support/eventually.ts'
import { objectName, startServer, type TestServer } from '../support/server.ts'

const DELAY = 'org.matrix.msc4140.delay'

describe('an alarm', () => {
  let server: TestServer
  let alice: Client

  // The archive's own alarm would come long after this test.
  beforeAll(async () => {
    server = await startServer({ 'archive-delay-ms': '600000' })
    alice = await api(server).register('alice')
  })
  afterAll(() => server?.stop())

  const evict = (roomId: string) =>
    server.instance.mf.unsafeEvictDurableObject(server.instance.workerName, 'Room', {
      name: objectName.room(server.serverName, roomId),
    })

  it('that was armed before an eviction is not put off by the first job that is armed after it', async () => {
    const roomId = await alice.createRoom()
    const path = inRoom(roomId, 'send', 'm.room.message', 'later')
    must(await alice.put(`${path}?${DELAY}=1500`, { msgtype: 'm.text', body: 'later' }))
    await evict(roomId)
    await alice.say(roomId, 'now')
    const texts = async () => (await history(alice, roomId)).map(({ content }) => content.body)
    expect(await eventually(texts, (all) => all.length === 2)).toEqual(['now', 'later'])
  })

  it('for one job does not run the others', async () => {
    const roomId = await alice.createRoom()
    await alice.say(roomId, 'not archived yet')
    const path = inRoom(roomId, 'send', 'm.room.message', 'soon')
    must(await alice.put(`${path}?${DELAY}=1`, { msgtype: 'm.text', body: 'soon' }))
    await eventually(
      () => history(alice, roomId),
      (all) => all.length === 2,
    )
    expect(await server.pg('select 1 from rooms where room_id = $1', [roomId])).toEqual([])
  })
})

describe('while Postgres is down', () => {
  let server: TestServer
  let http: Api
  let alice: Client

  beforeAll(async () => {
    server = await startServer()
    http = api(server)
    alice = await http.register('alice')
  })
  afterAll(() => server?.stop())
  afterEach(() => server.postgres.start())

  const attempts = async (): Promise<number> =>
    must(await http.request('GET', '/_selvedge/test/calls')).body.postgres

  it('a busy room does not try its archive again with each event, and catches up afterwards', async () => {
    const roomId = await alice.createRoom()
    await eventually(
      () => server.pg('select 1 from rooms where room_id = $1', [roomId]),
      (rows) => rows.length === 1,
    )
    server.postgres.stop()
    const before = await attempts()
    for (let said = 0; (await attempts()) === before; said += 1) await alice.say(roomId, `${said}`)
    const failedOnce = await attempts()
    for (let said = 0; said < 100; said += 1) await alice.say(roomId, `more ${said}`)
    // Each try waits twice as long as the one before: ten of them would take a quarter of an hour.
    expect((await attempts()) - failedOnce).toBeLessThan(10)
    server.postgres.start()
    const last = await alice.say(roomId, 'last')
    await eventually(
      () => server.pg('select 1 from events where event_id = $1', [last]),
      (rows) => rows.length === 1,
    )
  })
})

describe('an alarm that was lost', () => {
  const folder = mkdtempSync(join(tmpdir(), 'selvedge-alarms-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  /** What the platform does after six failures: the alarms go, and nothing else. */
  function loseAlarms(): void {
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    for (const file of files.filter((name) => name.endsWith('.sqlite'))) {
      const database = new DatabaseSync(join(folder, file))
      for (const table of ['_cf_METADATA', '_cf_ALARM']) {
        const has = database.prepare('SELECT 1 FROM sqlite_master WHERE name = ?').get(table)
        if (has !== undefined) database.exec(`DELETE FROM ${table}`)
      }
      database.close()
    }
  }

  it('is armed again at the next call if work is left', async () => {
    const options = { 'data-dir': folder, 'archive-delay-ms': '600000' }
    const before = await startServer(options)
    const alice = await api(before).register('alice')
    const roomId = await alice.createRoom()
    const path = inRoom(roomId, 'send', 'm.room.message', 'later')
    must(await alice.put(`${path}?${DELAY}=3000`, { msgtype: 'm.text', body: 'later' }))
    await before.stop()
    loseAlarms()
    const after = await startServer(options)
    try {
      const again = api(after).as(alice)
      await eventually(
        () => history(again, roomId),
        (all) => all.length === 1,
      )
    } finally {
      await after.stop()
    }
  })
})

describe('an alarm that cannot be answered', () => {
  it('is put off, and not lost', async () => {
    const armed: number[] = []
    const storage = { setAlarm: async (at: number) => void armed.push(at) }
    const lines: string[] = []
    const log = { error: (message: string) => void lines.push(message) }
    const before = Date.now()
    await answerAlarm(storage, () => Promise.reject(new Error('SIGNING_KEYS is missing')), log)
    expect(lines).toEqual(['an alarm is put off'])
    expect(armed).toHaveLength(1)
    expect(armed[0]).toBeGreaterThan(before)
  })
})
