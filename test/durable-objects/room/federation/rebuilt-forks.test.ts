/** Rooms with forks that are made again from Postgres alone: people and other servers find them as they were. */
import { describe, expect, it } from 'vitest'
import { type Body, type Client, must } from '../../../support/client.ts'
import { RemoteServer } from '../../../support/federation/remote-server.ts'
import { RoomStub } from '../../../support/federation/room-stub.ts'
import { at, history, rebuild } from '../../../support/rebuild.ts'
import { serving } from '../../../support/serving.ts'

const { server, alice, bob } = serving(['alice', 'bob'], {
  staysAwake: 'a rebuild takes all that is in memory with it',
})
const EVE = '@eve:away.example'
const ADA = '@ada:away.example'

interface Shared {
  room: string
  stub: RoomStub
  away: RemoteServer
  learn: () => Promise<void>
}

/** A public room of Alice's with Bob, and with Eve and Ada of another server. */
async function shared(version: string): Promise<Shared> {
  const levels = version === '12' ? {} : { [alice.userId]: 100 }
  const room = await alice.createRoom({
    preset: 'public_chat',
    room_version: version,
    power_level_content_override: { users: { ...levels, [EVE]: 50 } },
  })
  must(await bob.join(room))
  const stub = new RoomStub(server, room)
  const away = new RemoteServer(version, room)
  const learn = async () => away.learn(await stub.sql('SELECT event_id, pdu FROM events ORDER BY depth'))
  await learn()
  await stub.receive([away.member(EVE, EVE, 'join'), away.member(ADA, ADA, 'join')])
  return { room, stub, away, learn }
}

/** Both sides go on without each other; then Ada, who was banned here, says something. */
async function fork({ room, stub, away, learn }: Shared): Promise<void> {
  const base = away.heads
  must(await alice.put(at(room, 'state/m.room.topic'), { topic: 'here' }))
  await alice.say(room, 'said here')
  must(await alice.post(at(room, 'ban'), { user_id: ADA }))
  const late = Date.now() + 3_600_000
  const topic = { topic: 'there' }
  const theirs = [
    away.state(EVE, 'm.room.topic', topic, { prev_events: base, origin_server_ts: late }),
    away.say(ADA, 'not allowed any more'),
    away.say(EVE, 'said there'),
  ]
  await stub.receive(theirs)
  await learn()
  const { heads } = away
  // What it follows on is not to be had: it waits.
  await stub.receive([away.say(EVE, 'waits', { prev_events: ['$missing'] })])
  away.standOn(heads)
}

/** What people and other servers are told of the room. */
async function shown({ room, stub }: Shared, who: Client) {
  const ids = (events: Body[]) => events.map(({ event_id }) => event_id)
  const state: Body[] = must(await who.get(at(room, 'state'))).body
  const { body } = must(await who.sync())
  const { timeline, state: told } = body.rooms.join[room]
  return {
    messages: ids(await history(who, room)),
    state: ids(state).sort(),
    sync: [...ids(timeline.events), ...ids(told.events)].sort(),
    verdicts: await stub.sql('SELECT event_id, pos, flags FROM events ORDER BY pos'),
    waiting: await stub.sql('SELECT event_id FROM staged'),
  }
}

const currentIds = async ({ stub }: Shared) => {
  const rows = await stub.sql('SELECT type, state_key, event_id FROM state WHERE to_pos IS NULL')
  return new Map(rows.map(({ type, state_key, event_id }) => [JSON.stringify([type, state_key]), event_id]))
}

describe.each(['10', '12'])('a forked room of version %s that is made again', (version) => {
  it('is shown as before, and the next fork has the same end', async () => {
    const made = await shared(version)
    const { away, learn, room, stub } = made
    await fork(made)
    const before = [await shown(made, alice), await shown(made, bob)]
    await rebuild(server, 'room', room)
    // Of what is there after that, too.
    await rebuild(server, 'room', room)
    expect([await shown(made, alice), await shown(made, bob)]).toEqual(before)

    const since = must(await alice.sync()).body.next_batch
    const base = away.heads
    const name = must(await alice.put(at(room, 'state/m.room.name'), { name: 'here' })).body.event_id
    const theirs = away.state(EVE, 'm.room.name', { name: 'there' }, { prev_events: base })
    expect((await stub.receive([theirs])).done).toEqual({ [theirs.eventId]: {} })
    await learn()
    expect(new Set(away.heads)).toEqual(new Set([name, theirs.eventId]))
    expect(await currentIds(made)).toEqual(away.stateAfter(away.heads))
    const merged = await alice.say(room, 'both')
    const [row] = await stub.sql(`SELECT pdu FROM events WHERE event_id = '${merged}'`)
    expect(new Set(JSON.parse(String(row?.pdu)).prev_events)).toEqual(new Set(away.heads))
    const { body } = must(await alice.sync({ since }))
    expect(body.rooms.join[room].timeline.events.at(-1).event_id).toBe(merged)
  })
})
