/** What a new room takes from the old one. */
import { describe, expect, it } from 'vitest'
import {
  closedPowerLevels,
  replacementCreate,
  replacementPowerLevels,
} from '../../../../src/protocol/rooms/room-upgrade.ts'
import { roomVersion } from '../../../../src/protocol/rooms/room-version.ts'

const rules = (version: string) => roomVersion(version)!
const sender = '@alice:x.example'
const by = { sender, additionalCreators: [] as string[] }

describe('the create event', () => {
  const old = {
    roomId: '!old:x.example',
    create: { type: 'm.space', 'm.federate': false, room_version: '10', creator: '@old:x.example', own: 1 },
    lastEventId: '$last',
  }

  it('names its predecessor, and keeps what describes the room', () => {
    expect(replacementCreate(rules('11'), old, by)).toEqual({
      room_version: '11',
      type: 'm.space',
      'm.federate': false,
      predecessor: { room_id: '!old:x.example', event_id: '$last' },
    })
  })

  it('names its creator up to version 10', () => {
    expect(replacementCreate(rules('10'), old, by).creator).toBe(sender)
  })

  it('has the requested creators in version 12, and no event id', () => {
    const asked = { sender, additionalCreators: ['@bob:x.example', sender, '@bob:x.example'] }
    expect(replacementCreate(rules('12'), old, asked)).toEqual({
      room_version: '12',
      type: 'm.space',
      'm.federate': false,
      predecessor: { room_id: '!old:x.example' },
      additional_creators: ['@bob:x.example'],
    })
    expect(replacementCreate(rules('11'), old, asked).additional_creators).toBeUndefined()
  })
})

describe('the power levels', () => {
  it('raise a moderator that upgrades until the room is set up', () => {
    const old = { users: { [sender]: 50, '@admin:x.example': 100 }, events: { 'm.room.encryption': 100 } }
    const { first, last } = replacementPowerLevels(rules('11'), old, { ...by, level: 50 })
    expect(first).toEqual({ ...old, users: { ...old.users, [sender]: 100 } })
    expect(last).toEqual(old)
  })

  it('stay as they are for an administrator', () => {
    const old = { users: { [sender]: 100 }, events: {}, ban: 60 }
    const { first, last } = replacementPowerLevels(rules('11'), old, { ...by, level: 100 })
    expect(first).toBe(last)
    expect(last).toEqual(old)
  })

  it('name no creator in version 12, and keep the tombstone from administrators', () => {
    const old = { users: { [sender]: 100, '@bob:x.example': 100, '@carol:x.example': 50 } }
    const asked = { sender, additionalCreators: ['@bob:x.example'], level: 100 }
    expect(replacementPowerLevels(rules('12'), old, asked).last).toEqual({
      users: { '@carol:x.example': 50 },
      events: { 'm.room.tombstone': 150 },
    })
  })

  it('make a creator an administrator when the room goes back before version 12', () => {
    const old = { users: {}, events: { 'm.room.tombstone': 150 } }
    const { last } = replacementPowerLevels(rules('11'), old, { ...by, level: Number.POSITIVE_INFINITY })
    expect(last).toEqual({ users: { [sender]: 100 }, events: { 'm.room.tombstone': 100 } })
  })
})

describe('the old room', () => {
  it('is closed to messages and invites', () => {
    expect(closedPowerLevels({ ban: 60 })).toEqual({ ban: 60, events_default: 50, invite: 50 })
    expect(closedPowerLevels({ users_default: 70 })).toEqual({
      users_default: 70,
      events_default: 71,
      invite: 71,
    })
    expect(closedPowerLevels({ events_default: 90 })).toEqual({ events_default: 90, invite: 50 })
  })

  it('stays as it is if it was closed before', () => {
    expect(closedPowerLevels({ events_default: 50, invite: 60 })).toBeUndefined()
  })
})
