/** History is asked for by ids that can be those of events, whatever other servers name. */
import { expect, it } from 'vitest'
import { backfill } from '../../../../src/federation/inbound/backfill.ts'
import type { ReceivingPorts, ReceivingRoom } from '../../../../src/federation/inbound/receive.ts'
import { ServerFailure } from '../../../../src/federation/server-failure.ts'

it('a server that hangs takes not the time of the others', async () => {
  let now = 0
  const asked: string[] = []
  const room = {
    federationFacts: async () => ({ version: '11', allowed: true, inRoom: true }),
    serversIn: async () => ['here.example', 'hangs.example', 'hangs-too.example', 'answers.example'],
  } as unknown as ReceivingRoom
  const federation = {
    ask: async ({ destination, withinMs = 10_000 }: { destination: string; withinMs?: number }) => {
      asked.push(destination)
      if (destination !== 'answers.example') now += Math.min(withinMs, 10_000)
      throw new ServerFailure('unreachable')
    },
  }
  const ports = { clock: { now: () => now }, config: { serverName: 'here.example' }, federation }
  await backfill(ports as unknown as ReceivingPorts, room, {
    roomId: '!room:away.example',
    missing: ['$hanging'],
  })
  expect(asked).toEqual(['hangs.example', 'hangs-too.example', 'answers.example'])
  expect(now).toBeLessThanOrEqual(10_000)
})

it.each([
  ['a text as long as an event', `$${'x'.repeat(60_000)}`, false],
  ['an id of a room', '!room:away.example', false],
  ['an event id', '$missing', true],
])('%s', async (_, eventId, isAsked) => {
  const asked: string[] = []
  const room = {
    federationFacts: async () => ({ version: '11', allowed: true, inRoom: true }),
    serversIn: async () => ['here.example', 'away.example'],
  } as unknown as ReceivingRoom
  const federation = {
    ask: async ({ uri }: { uri: string }) => {
      asked.push(uri)
      throw new ServerFailure('unreachable')
    },
  }
  const ports = { clock: { now: () => 0 }, config: { serverName: 'here.example' }, federation }
  const roomId = '!room:away.example'
  const found = await backfill(ports as unknown as ReceivingPorts, room, { roomId, missing: [eventId] })
  expect([found, asked.length > 0]).toEqual([false, isAsked])
})
