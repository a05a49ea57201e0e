/** What the join of a large room holds in memory at once: an object has 128 MB. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import type { ReceivedEvent } from '../../../../src/objects/room/federation.ts'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import { canonicalJson } from '../../../../src/protocol/events/canonical-json.ts'
import { NodeRoom } from '../../../support/federation/node-room.ts'

const EVE = '@eve:away.example'
const ROOM = '!room:away.example'
const MEMBERS = 20_000
const A_PART = 2_000
/** Statements from one look at the memory to the next. */
const STEP = 20_000
const MB = 1024 * 1024

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** As the Worker hands it over: nothing in a Room asks for hashes and signatures again. */
function state(
  name: string,
  type: string,
  stateKey: string,
  content: JsonObject,
  cited: string[],
): ReceivedEvent {
  const pdu = {
    type,
    sender: type === 'm.room.member' ? stateKey : EVE,
    state_key: stateKey,
    room_id: ROOM,
    content,
    depth: 1,
    origin_server_ts: 1_700_000_000_000,
    auth_events: cited,
    prev_events: cited.length > 1 ? ['$before'] : cited,
    hashes: { sha256: 'x'.repeat(43) },
    signatures: { 'away.example': { 'ed25519:away': 'x'.repeat(86) } },
  }
  return { eventId: `$${name}`, json: canonicalJson(pdu), isRedacted: false }
}

const DECISIVE = ['$create', '$levels', '$rules']

function joined(name: string, userId: string, cited = DECISIVE): ReceivedEvent {
  const content = { membership: 'join', displayname: name, avatar_url: 'mxc://away.example/avatar' }
  return state(name, 'm.room.member', userId, content, cited)
}

const BEGINNING = [
  state('create', 'm.room.create', '', { room_version: '11' }, []),
  joined('eve', EVE, ['$create']),
  state('levels', 'm.room.power_levels', '', { users: { [EVE]: 100 } }, ['$create', '$eve']),
  state('rules', 'm.room.join_rules', '', { join_rule: 'public' }, ['$create', '$eve', '$levels']),
]

/** What is left on the heap after a collection, at most, while the work runs. Answers how much more than before, MB. */
function mostHeld(room: NodeRoom, work: () => void): number {
  const held = () => {
    collectGarbage()
    return process.memoryUsage().heapUsed / MB
  }
  const { sql } = room.store
  const { exec } = sql
  const before = held()
  let most = before
  let statements = 0
  sql.exec = (query, ...bindings) => {
    statements += 1
    if (statements % STEP === 0) most = Math.max(most, held())
    return exec(query, ...bindings)
  }
  work()
  sql.exec = exec
  return most - before
}

it(`a room of ${MEMBERS} members is made of its parts without ever being in memory as a whole`, () => {
  const room = new NodeRoom('here.example')
  const stateIds = BEGINNING.map(({ eventId }) => eventId)
  room.joinRemote(ROOM, { roomVersion: '11', events: BEGINNING })
  for (let from = 0; from < MEMBERS; from += A_PART) {
    const events = Array.from({ length: A_PART }, (_, index) =>
      joined(`member${from + index}`, `@member${from + index}:away.example`),
    )
    for (const { eventId } of events) stateIds.push(eventId)
    room.joinRemote(ROOM, { roomVersion: '11', events })
  }
  const join = joined('alice', '@alice:here.example')
  const finish = { join, stateIds }
  const most = mostHeld(room, () => room.joinRemote(ROOM, { roomVersion: '11', events: [], finish }))
  expect(room.current().size).toBe(MEMBERS + 5)
  expect(most).toBeLessThan(16)
})
