/** The call by which a Room tells a User object of a membership, when it does not arrive. */
import { beforeAll, describe, expect, it } from 'vitest'
import { must } from '../support/client.ts'
import { eventually } from '../support/eventually.ts'
import { planFault, settled } from '../support/faults.ts'
import { serving } from '../support/serving.ts'

const { http, alice } = serving(['alice'], { presence: 'off' })

describe('the call that tells a user of a membership', () => {
  let roomId: string
  beforeAll(async () => {
    roomId = await alice.createRoom()
  })

  it('that is dropped ten times keeps nobody waiting, and arrives', async () => {
    const dave = await http.register('dave')
    await planFault(http, 'drop:user.membershipChanged', 10)
    must(await alice.invite(roomId, dave.userId))
    // It is answered while the call is still to be dropped some times.
    const { planned } = must(await http.request('GET', '/_selvedge/test/faults')).body
    expect(planned['drop:user.membershipChanged']).toBeGreaterThan(0)
    expect((await dave.sync()).body.rooms?.invite).toBeUndefined()
    await eventually(
      () => dave.sync(),
      (answer) => answer.body.rooms?.invite?.[roomId] !== undefined,
      25_000,
    )
  }, 120_000)

  it('that fails leaves its Room at rest between two tries, and arrives once it can', async () => {
    const erin = await http.register('erin')
    await planFault(http, 'drop:user.membershipChanged', 1_000_000)
    must(await alice.invite(roomId, erin.userId))
    // The next try is an alarm in a second.
    await settled(http, 300)
    expect((await erin.sync()).body.rooms?.invite).toBeUndefined()
    await planFault(http, 'drop:user.membershipChanged', 0)
    await eventually(
      () => erin.sync(),
      (answer) => answer.body.rooms?.invite?.[roomId] !== undefined,
      25_000,
    )
  }, 120_000)
})
