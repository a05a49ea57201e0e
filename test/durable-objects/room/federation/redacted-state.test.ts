/** Redacted state events: the rules go on reading what the redaction took, as they do on other servers. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ReceivedEvent } from '../../../../src/objects/room/federation.ts'
import { databases, type OpenDatabase } from '../../../src/storage/databases.ts'
import { archivedRows, RoomArchives } from '../../../support/federation/archived-room.ts'
import { NodeRoom } from '../../../support/federation/node-room.ts'
import { RemoteServer } from '../../../support/federation/remote-server.ts'

const EVE = '@eve:away.example'
const ADA = '@ada:away.example'
const BEA = '@bea:away.example'
const HERE = 'here.example'

let away: RemoteServer
let room: NodeRoom
let levels: ReceivedEvent

/** Up to room version 10 a redaction takes the power that an invite needs. */
beforeEach(() => {
  away = new RemoteServer('10', '!room:away.example')
  const create = away.state(EVE, 'm.room.create', { room_version: '10', creator: EVE })
  room = new NodeRoom(HERE)
  room.begin(away.roomId, '10', away.event(create.eventId)!)
  const eve = away.member(EVE, EVE, 'join')
  levels = away.state(EVE, 'm.room.power_levels', { users: { [EVE]: 100 }, invite: 50 })
  const rules = away.state(EVE, 'm.room.join_rules', { join_rule: 'public' })
  take([eve, levels, rules, away.member(ADA, ADA, 'join')])
})

function take(events: readonly ReceivedEvent[]): void {
  const { done, needs } = room.receive(events)
  expect([events.map(({ eventId }) => done[eventId]), needs]).toEqual([events.map(() => ({})), []])
}

const redact = (redacts: string) => away.send({ type: 'm.room.redaction', sender: EVE, redacts })
const invite = () => JSON.parse(room.store.event(levels.eventId)!.pdu).content.invite

/** An invite that only the redacted power levels allow, beside something else. */
function fork(): void {
  const base = away.heads
  const invited = away.member(ADA, BEA, 'invite', { prev_events: base })
  away.standOn(base)
  const topic = away.state(EVE, 'm.room.topic', { topic: 'beside' }, { prev_events: base })
  room.receive([topic, invited])
  expect(room.current()).toEqual(away.stateAfter([topic.eventId, invited.eventId]))
  expect([...room.current().keys()]).not.toContain(JSON.stringify(['m.room.member', BEA]))
}

describe('power levels that were redacted', () => {
  let database: OpenDatabase
  beforeAll(async () => {
    database = await databases[0]!.open()
  })
  afterAll(() => database.close())

  it('are shown redacted, and judge a fork as they were', () => {
    take([redact(levels.eventId)])
    expect(invite()).toBeUndefined()
    fork()
  })

  it('judge so in a room that was made again', async () => {
    const archives = new RoomArchives(database.sql)
    take([redact(levels.eventId)])
    await archives.archiverOf(room).flush()
    const again = await archives.rebuilt(away.roomId, HERE)
    expect(archivedRows(again)).toEqual(archivedRows(room))
    room = again
    expect(invite()).toBeUndefined()
    fork()
  })

  it('keep nothing but what the rules read', () => {
    const named = away.member(ADA, ADA, 'join', {
      content: { membership: 'join', displayname: 'Ada the Private' },
    })
    take([named, redact(named.eventId)])
    expect(room.count('judged_contents')).toBe(0)
    take([redact(levels.eventId)])
    const [row] = room.rows('SELECT content FROM judged_contents')
    expect(JSON.parse(String(row?.content))).toMatchObject({ invite: 50, users: { [EVE]: 100 } })
  })
})
