/** What becomes of an event that the room's state of now refuses, and of what lies behind it. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { ReceivedEvent } from '../../../../src/objects/room/federation.ts'
import { NodeRoom } from '../../../support/federation/node-room.ts'
import { RemoteServer } from '../../../support/federation/remote-server.ts'

const EVE = '@eve:away.example'
const ADA = '@ada:away.example'
const VERSION = '11'

let away: RemoteServer
let room: NodeRoom

const shown = ({ eventId }: ReceivedEvent) => room.store.event(eventId)?.pos
const heads = () => room.store.extremities.map(({ eventId }) => eventId)

beforeEach(() => {
  away = new RemoteServer(VERSION, '!room:away.example')
  const create = away.state(EVE, 'm.room.create', { room_version: VERSION })
  room = new NodeRoom('here.example')
  room.begin(away.roomId, VERSION, away.event(create.eventId)!)
  const eve = away.member(EVE, EVE, 'join')
  take([eve, away.state(EVE, 'm.room.join_rules', { join_rule: 'public' }), away.member(ADA, ADA, 'join')])
})

/** The events are taken whole. */
function take(events: readonly ReceivedEvent[]): void {
  const { done, needs, staged } = room.receive(events)
  expect(events.map(({ eventId }) => done[eventId])).toEqual(events.map(() => ({})))
  expect([needs, staged]).toEqual([[], 0])
}

describe('a soft-failed event', () => {
  let said: ReceivedEvent
  let base: string[]
  beforeEach(() => {
    base = heads()
    take([away.member(EVE, ADA, 'ban')])
    said = away.say(ADA, 'unheard', { prev_events: base })
    take([said])
  })

  it('is stored, shown to nobody, and no extremity', () => {
    expect([room.flags(said.eventId), shown(said)]).toEqual([2, undefined])
    expect(heads()).not.toContain(said.eventId)
    expect(room.last?.appended).toEqual([])
  })

  it('leaves a gap behind it where an event that is shown follows on it', () => {
    const lost = away.say(EVE, 'lost', { prev_events: base })
    const unheard = away.say(ADA, 'unheard', { prev_events: [lost.eventId] })
    const pduIds = [...away.stateAfter(base).values()]
    const states = [{ eventId: unheard.eventId, pduIds, authChainIds: [] }]
    expect(room.receive([unheard], { states }).done).toEqual({ [unheard.eventId]: {} })
    expect([room.flags(unheard.eventId), room.count('gaps')]).toEqual([2, 0])
    take([away.say(EVE, 'next', { prev_events: [unheard.eventId, ...heads()] })])
    expect(room.rows('SELECT event_id FROM gaps')).toEqual([{ event_id: lost.eventId }])
    take([lost])
    expect([shown(lost) !== undefined, room.count('gaps')]).toEqual([true, 0])
  })

  it('leads an event that follows on it to what it follows on itself', () => {
    const merge = away.say(EVE, 'merge', { prev_events: [said.eventId, ...heads()] })
    take([merge])
    expect(heads()).toEqual([merge.eventId])
    expect(room.current()).toEqual(away.after(merge.eventId))
  })

  it('is shown once an accepted event follows on it and the room allows it again', () => {
    const unban = away.member(EVE, ADA, 'leave', { prev_events: heads() })
    const back = away.member(ADA, ADA, 'join', { prev_events: [unban.eventId] })
    take([unban, back])
    expect(shown(said)).toBeUndefined()
    const merge = away.say(ADA, 'as I said', { prev_events: [said.eventId, back.eventId] })
    take([merge])
    expect(shown(said)).toBeGreaterThan(Number(shown(merge)))
    expect(room.last?.appended.map(({ event }) => event.event_id)).toEqual([merge.eventId, said.eventId])
    expect(heads()).toEqual([merge.eventId])
    expect(room.after(said.eventId)).toEqual(away.after(said.eventId))
  })

  it('stays hidden while the room refuses it, whatever follows on it', () => {
    take([away.say(EVE, 'merge', { prev_events: [said.eventId, ...heads()] })])
    expect(shown(said)).toBeUndefined()
  })
})
