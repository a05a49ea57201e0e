/** To-device messages when there are many: in order, in bounded answers, and the newest of them. */
import { describe, expect, it } from 'vitest'
import { must } from '../../../support/client.ts'
import { objectName } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'
import { look, send, to } from './device-messages.ts'

const { server, someone } = serving()

describe('many messages', () => {
  it('come a hundred at a time, in order, each once', async () => {
    const [alice, bob] = [await someone(), await someone()]
    for (let n = 0; n < 250; n += 10) {
      const sends = Array.from({ length: 10 }, (_, i) => send(alice, to(bob, { n: n + i })))
      for (const answer of await Promise.all(sends)) must(answer)
    }
    const seen: number[] = []
    const sizes: number[] = []
    for (let since: string | undefined, more = true; more; ) {
      const { said, next } = await look(bob, since)
      seen.push(...said.map(({ n }) => n))
      sizes.push(said.length)
      since = next
      more = said.length > 0
    }
    expect(sizes).toEqual([100, 100, 50, 0])
    expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: 250 }, (_, n) => n))
  })

  it('that are large come in answers of bounded size', async () => {
    const [alice, bob] = [await someone(), await someone()]
    for (let n = 0; n < 20; n += 1) must(await send(alice, to(bob, { n, text: 'x'.repeat(65_000) })))
    const batches: number[][] = []
    for (let since: string | undefined, more = true; more; ) {
      const { said, next } = await look(bob, since)
      batches.push(said.map(({ n }) => n))
      since = next
      more = said.length > 0
    }
    expect(batches.map(({ length }) => length)).toEqual([15, 5, 0])
    expect(batches.flat()).toEqual(Array.from({ length: 20 }, (_, n) => n))
  })

  it('for a device that does not come back are kept up to a bound, the newest first', async () => {
    const [alice, bob] = [await someone(), await someone()]
    must(await send(alice, to(bob, { n: 'first' })))
    const user = objectName.user(server.serverName, bob.userId)
    const insert = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
      INSERT INTO inbox (id, device_id, sender, type, content)
      SELECT (SELECT max(id) FROM inbox) - i, '${bob.deviceId}', '${alice.userId}', 'm.dummy', '{"n":' || i || '}'
      FROM n`
    await server.sql('USER', user, insert)
    const held = async () => (await server.sql('USER', user, 'SELECT count(*) AS n FROM inbox'))[0]?.n
    expect(await held()).toBe(10_000)
    await server.evict('USER', user)
    must(await send(alice, to(bob, { n: 'newest' })))
    expect(await held()).toBe(9_000)
    const newest = 'SELECT content FROM inbox ORDER BY id DESC LIMIT 2'
    expect(await server.sql('USER', user, newest)).toEqual([
      { content: '{"n":"newest"}' },
      { content: '{"n":"first"}' },
    ])
    expect((await look(bob)).said[0]).toEqual({ n: 8_998 })
  })

  it('of strangers that flood a sleeping device do not displace what a friend has sent', async () => {
    const [friend, bob, ...strangers] = [await someone(), await someone(), await someone(), await someone()]
    must(await send(friend, to(bob, { n: 'first' })))
    must(await send(friend, to(bob, { n: 'second' })))
    const user = objectName.user(server.serverName, bob.userId)
    await server.sql('USER', user, 'UPDATE inbox SET id = id - 100000')
    await server.evict('USER', user)
    for (const { userId } of strangers) {
      await server.sql(
        'USER',
        user,
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5200)
         INSERT INTO inbox (id, device_id, sender, type, content)
         SELECT (SELECT max(id) FROM inbox) + i, '${bob.deviceId}', '${userId}', 'm.dummy', '{}' FROM n`,
      )
    }
    // The last sender is refused, even if another one has sent more.
    must(await send(friend, to(bob, { n: 'third' })))
    const query = 'SELECT sender, count(*) AS held FROM inbox GROUP BY sender ORDER BY held'
    const held = (await server.sql('USER', user, query)).map(({ held }) => held)
    expect(held).toEqual([3, 4498, 4498])
    expect((await look(bob)).said.slice(0, 2)).toEqual([{ n: 'first' }, { n: 'second' }])
  })

  it('of a stranger, few but large, are dropped before the many small ones of a friend', async () => {
    const [friend, bob, stranger] = [await someone(), await someone(), await someone()]
    for (let n = 0; n < 20; n += 1) must(await send(friend, to(bob, { n })))
    const user = objectName.user(server.serverName, bob.userId)
    await server.sql('USER', user, 'UPDATE inbox SET id = id - 100000')
    await server.evict('USER', user)
    await server.sql(
      'USER',
      user,
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1600)
       INSERT INTO inbox (id, device_id, sender, type, content)
       SELECT (SELECT max(id) FROM inbox) + i, '${bob.deviceId}', '${stranger.userId}', 'm.dummy',
         '"' || printf('%.*c', 62998, 'x') || '"' FROM n`,
    )
    must(await send(stranger, to(bob, { n: 'last' })))
    const query = 'SELECT sender, count(*) AS held FROM inbox GROUP BY sender ORDER BY held'
    expect((await server.sql('USER', user, query)).map(({ held }) => held)).toEqual([20, 1429])
  })

  it('are never lost nor told twice over evictions between the answers', async () => {
    const [alice, bob] = [await someone(), await someone()]
    for (let n = 0; n < 120; n += 20) {
      const sends = Array.from({ length: 20 }, (_, i) => send(alice, to(bob, { n: n + i })))
      for (const answer of await Promise.all(sends)) must(answer)
    }
    const user = objectName.user(server.serverName, bob.userId)
    const seen: number[] = []
    for (let since: string | undefined, more = true; more; ) {
      await server.evict('USER', user)
      const { said, next } = await look(bob, since)
      seen.push(...said.map(({ n }) => n))
      since = next
      more = said.length > 0
    }
    expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: 120 }, (_, n) => n))
  })

  it('of one sender come in the order in which they were sent', async () => {
    const [alice, bob] = [await someone(), await someone()]
    for (let n = 0; n < 20; n += 1) must(await send(alice, to(bob, { n })))
    expect((await look(bob)).said.map(({ n }) => n)).toEqual(Array.from({ length: 20 }, (_, n) => n))
  })
})
