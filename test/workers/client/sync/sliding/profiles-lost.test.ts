/** Sliding sync: no change of a profile (MSC4262) is lost, whatever is lost or not reached. */
import { expect, it } from 'vitest'
import { must } from '../../../../support/client.ts'
import { held, planFault, waitingRequest } from '../../../../support/faults.ts'
import { wipeAndRebuildRoom } from '../../../../support/rebuild.ts'
import { objectName } from '../../../../support/server.ts'
import { serving } from '../../../../support/serving.ts'
import { begun, nameOf, on, pairOf, plain, remove, STATUS, set, told } from './profiles.ts'

const { server, http, someone } = serving([], { presence: 'off' })
const pair = () => pairOf(someone)
const userObject = ({ userId }: { userId: string }) => objectName.user(server.serverName, userId)

it('tells again what was lost with its answer, after an eviction too', async () => {
  const [alice, bob] = await pair()
  const asked = { ...plain(), ...on() }
  const main = await begun(http, alice, asked)
  await set(bob, STATUS, 'one')
  const change = { [bob.userId]: { updated: { [STATUS]: 'one' } } }
  expect(told(must(await main.lose(asked)).body)).toEqual(change)
  await server.evict('USER', userObject(alice))
  expect(told(must(await main.lose(asked)).body)).toEqual(change)
  expect(told(await main.ask(asked))).toEqual(change)
  await server.evict('USER', userObject(alice))
  expect(told(await main.ask(asked))).toEqual({})
})

it.each(['drop', 'hang'])('tells later of somebody whose object was not reached: %s', async (fault) => {
  const [alice, bob, room] = await pair()
  const carol = await someone()
  must(await carol.join(room))
  const asked = { ...plain(), ...on() }
  const main = await begun(http, alice, asked)
  await set(bob, STATUS, 'bob')
  await set(carol, STATUS, 'carol')
  await planFault(http, `${fault}:user.profileFields`)
  const first = told(await main.ask(asked))
  expect(Object.keys(first)).toHaveLength(1)
  await server.evict('USER', userObject(alice))
  expect({ ...first, ...told(await main.ask(asked)) }).toEqual({
    [bob.userId]: { updated: { [STATUS]: 'bob' } },
    [carol.userId]: { updated: { [STATUS]: 'carol' } },
  })
  expect(told(await main.ask(asked))).toEqual({})
})

it('owes nothing of somebody who is gone', async () => {
  const [alice, bob, room] = await pair()
  const asked = { ...plain(), ...on() }
  const main = await begun(http, alice, asked)
  await set(bob, STATUS, 'on my way')
  must(await bob.post(`/rooms/${encodeURIComponent(room)}/leave`))
  await planFault(http, 'drop:user.profileFields')
  expect(told(await main.ask(asked))).toEqual({ [bob.userId]: null })
  await planFault(http, 'drop:user.profileFields', 0)
  expect(told(await main.ask(asked))).toEqual({})
})

it('owes nothing of somebody who came and has gone again', async () => {
  const [alice, , room] = await pair()
  const asked = { ...plain(), ...on() }
  const main = await begun(http, alice, asked)
  const carol = await someone()
  must(await carol.join(room))
  must(await carol.post(`/rooms/${encodeURIComponent(room)}/leave`))
  await planFault(http, 'drop:user.profileFields')
  expect(told(await main.ask(asked))).toEqual({ [carol.userId]: null })
  await planFault(http, 'drop:user.profileFields', 0)
  expect(told(await main.ask(asked))).toEqual({})
})

it('a poll that waits is told of somebody who could not be reached when they can', async () => {
  const [alice, bob] = await pair()
  const asked = { ...plain(), ...on() }
  const main = await begun(http, alice, asked)
  const { answer } = await waitingRequest(http, alice, () => main.ask(asked, { timeout: 20_000 }))
  await planFault(http, 'drop:user.profileFields', 3)
  await set(bob, STATUS, 'late')
  expect(told(await answer)).toEqual({ [bob.userId]: { updated: { [STATUS]: 'late' } } })
})

it('loses no change that comes while the owner is asked', async () => {
  const [alice, bob] = await pair()
  const asked = { ...plain(), ...on() }
  const main = await begun(http, alice, asked)
  await set(bob, STATUS, 'one')
  await planFault(http, 'hold:user.profileFields')
  const answer = main.ask(asked)
  await held(http, 'hold:user.profileFields')
  await set(bob, STATUS, 'two')
  await planFault(http, 'hold:user.profileFields', 0)
  expect(told(await answer)[bob.userId]).toEqual({ updated: { [STATUS]: 'one' } })
  expect(told(await main.ask(asked))[bob.userId]).toEqual({ updated: { [STATUS]: 'two' } })
})

it('tells everything of somebody who has changed very many fields, and what of the wanted ones is gone', async () => {
  const [alice, bob] = await pair()
  await set(bob, STATUS, 'was here')
  const asked = { ...plain(), ...on({ fields: ['displayname', STATUS, 'org.example.f1'] }) }
  const main = await begun(http, alice, asked)
  await remove(bob, STATUS)
  for (let n = 0; n < 40; n += 1) await set(bob, `org.example.f${n}`, n)
  const { updated, removed } = told(await main.ask(asked))[bob.userId]
  expect(updated).toEqual({ displayname: nameOf(bob), 'org.example.f1': 1 })
  expect(removed).toEqual([STATUS])
})

it('a room that is made again makes nobody miss a change from before', async () => {
  const [alice, bob, room] = await pair()
  const asked = { ...plain(), ...on() }
  const main = await begun(http, alice, asked)
  await set(bob, STATUS, 'before')
  await wipeAndRebuildRoom(server, room, alice)
  expect(told(await main.ask(asked))[bob.userId].updated).toMatchObject({ [STATUS]: 'before' })
})
