/** More requests at once than a server can do in a moment: the newest are refused, the least urgent first. */
import { expect, it } from 'vitest'
import { must } from '../../support/client.ts'
import { planFault } from '../../support/faults.ts'
import { serving } from '../../support/serving.ts'

/** From so many under way on, typing and the like are refused. */
const WRITES = 300

const { http, alice } = serving(['alice'], { staysAwake: 'it holds answers' })

const held = async () =>
  must(await http.request('GET', '/_selvedge/test/faults')).body.held['hold:room.setTyping'] ?? 0

it('refuses what can wait, lets messages and polls in, and takes all again when it has done its work', async () => {
  const room = await alice.createRoom()
  const { next_batch: since } = must(await alice.sync()).body
  const type = () =>
    alice.put(`/rooms/${encodeURIComponent(room)}/typing/${encodeURIComponent(alice.userId)}`, {
      typing: true,
      timeout: 30_000,
    })
  await planFault(http, 'hold:room.setTyping', WRITES)
  const waiting = Array.from({ length: WRITES }, type)
  await expect.poll(held, { timeout: 30_000 }).toBe(WRITES)

  const refused = await type()
  expect([refused.status, refused.body.errcode]).toEqual([429, 'M_LIMIT_EXCEEDED'])
  expect(refused.body.retry_after_ms).toBeGreaterThanOrEqual(1_000)
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
  await alice.say(room, 'still')
  must(await alice.sync({ since }))

  await planFault(http, 'hold:room.setTyping', 0)
  for (const answer of await Promise.all(waiting)) expect(answer.status).toBe(200)
  must(await type())
})
