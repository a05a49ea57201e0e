/** What is counted of a Room's answers, for the operator. */
import { expect, it } from 'vitest'
import { CallBudget } from '../../../../src/federation/inbound/call-budget.ts'
import { type ReceivingPorts, receiveEvents } from '../../../../src/federation/inbound/receive.ts'
import { rulesOf } from '../../../support/auth-room.ts'

it.each([
  ['staged events that went because of their bounds', { dropped: 3 }, ['staged', 3]],
  ['a call by which something waits for the room to rest', { restsUntil: 5_000 }, ['resolutions', undefined]],
])('%s', async (_, answer, counted) => {
  const counts: unknown[] = []
  const metrics = {
    count: (_name: string, { bound }: { bound: string }, by?: number) => counts.push([bound, by]),
  }
  const room = {
    federationFacts: async () => ({ version: '11', allowed: true, inRoom: true }),
    serversIn: async () => [],
    receive: async () => ({ done: {}, needs: [], more: false, staged: 1, ...answer }),
  }
  const receiving = { origin: 'away.example', roomId: '!room:away.example', rules: rulesOf('11'), events: [] }
  const ports = { clock: { now: () => 0 }, metrics } as unknown as ReceivingPorts
  expect(await receiveEvents(ports, room, { ...receiving, until: 1_000, budget: new CallBudget() })).toEqual(
    {},
  )
  expect(counts).toEqual([counted])
})
