/** The stack with what is heavy: a Kafka that the event stream goes to, and a Kubo that media go to. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Consumer } from '@platformatic/kafka'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kafkaLacks, needingKafka } from '../event-stream/kafka.ts'
import { pidsIn, processesOf, removeStacks, stack, stackFolder } from '../local/stack/places.ts'
import { api, type Client } from '../support/client.ts'
import { KUBO, pathOf } from '../support/media/store-servers.ts'
import { transfersOf } from '../support/media/transfers.ts'

const OPTIONS = ['--password-cost', 'low', '--registration', 'open', '--server-name', 'test.example']
/** The server alone, for what is tested beside it. */
const ALONE = ['--without', 'postgres,redis,nginx,prometheus']

afterAll(removeStacks, 60_000)

interface Known {
  ports: Record<string, number>
  secrets: Record<string, string>
}

const knownOf = (folder: string): Known => JSON.parse(readFileSync(join(folder, 'stack.json'), 'utf8'))
const urlOf = (folder: string) => `http://127.0.0.1:${knownOf(folder).ports.selvedge}`

async function upWith(folder: string, ...more: string[]): Promise<string> {
  const { code, stdout, stderr } = await stack('up', folder, ...more)
  expect([code, stderr]).toEqual([0, ''])
  return stdout
}

describe.skipIf(kafkaLacks !== undefined)(needingKafka('a stack with Kafka'), () => {
  const folder = stackFolder()
  let alice: Client
  let room: string

  /** How much Kafka holds of a topic. */
  async function held(topic: string): Promise<number> {
    const broker = `127.0.0.1:${knownOf(folder).ports.kafka}`
    const consumer = new Consumer({ clientId: 'counter', groupId: 'counter', bootstrapBrokers: [broker] })
    try {
      const ends = (await consumer.listOffsets({ topics: [topic] })).get(topic) ?? []
      return ends.reduce((sum, end) => sum + Number(end), 0)
    } finally {
      await consumer.close(true)
    }
  }
  const untilHeld = (count: number) =>
    expect
      .poll(() => held('selvedge.events'), { timeout: 60_000, interval: 500 })
      .toBeGreaterThanOrEqual(count)

  beforeAll(async () => {
    const said = await upWith(folder, '--with', 'kafka', ...ALONE, ...OPTIONS)
    expect(said).toMatch(/kafka-sink is ready: to 127\.0\.0\.1:\d+, as the group kafka/)
    alice = await api({ url: urlOf(folder) }).register('alice')
    room = await alice.createRoom()
  }, 300_000)

  it('carries what is said to it', async () => {
    await untilHeld(1)
    const before = await held('selvedge.events')
    for (let n = 0; n < 5; n += 1) await alice.say(room, `number ${n}`)
    await untilHeld(before + 5)
  })

  it('notices that the sink was killed; up heals it, and nothing is lost', async () => {
    const before = await held('selvedge.events')
    process.kill(pidsIn(folder)['kafka-sink']!, 'SIGKILL')
    await alice.say(room, 'while nobody carries it')
    const sick = await stack('status', folder)
    expect([sick.code, sick.stdout]).toEqual([1, expect.stringMatching(/^kafka-sink +stopped /m)])
    expect(await upWith(folder, '--no-smoke')).toContain('kafka-sink is ready')
    await untilHeld(before + 1)
  })

  it('leaves no process when it goes, and the sink goes with it', async () => {
    const said = await upWith(folder, '--without', 'kafka', '--no-smoke')
    expect(said).toContain('kafka-sink is left out\nkafka is left out\n')
    expect(Object.keys(pidsIn(folder))).toEqual(['selvedge'])
    expect((await stack('down', folder)).code).toBe(0)
    expect(processesOf(folder)).toEqual([])
  })
})

const lacksKubo = pathOf(KUBO) === undefined
const kuboTitle = `a stack with Kubo${lacksKubo ? ` (skipped: ${KUBO.name} is missing: ${KUBO.install})` : ''}`

describe.skipIf(lacksKubo)(kuboTitle, () => {
  const folder = stackFolder()
  let media: ReturnType<typeof transfersOf>
  let place: string

  async function pins(token: string): Promise<{ status: number; count: number }> {
    const answer = await fetch(
      `http://127.0.0.1:${knownOf(folder).ports.kubo}/api/v0/pin/ls?type=recursive`,
      {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
      },
    )
    const text = await answer.text()
    return { status: answer.status, count: answer.ok ? Object.keys(JSON.parse(text).Keys ?? {}).length : 0 }
  }
  const pinned = async () => (await pins(knownOf(folder).secrets.kubo!)).count

  beforeAll(async () => {
    const said = await upWith(folder, '--with', 'kubo', ...ALONE, ...OPTIONS)
    expect(said).toMatch(/used once as a user does, at .*: 19 passed, 0 failed, 0 skipped/)
    const alice = await api({ url: urlOf(folder) }).register('alice')
    media = transfersOf({ url: urlOf(folder) }, alice, alice)
  }, 300_000)

  it('keeps media there, and shows them to nobody who lacks its secret', async () => {
    const before = await pinned()
    place = await media.uploaded('kept in Kubo')
    expect(await pinned()).toBe(before + 1)
    expect((await pins('guess')).status).toBe(403)
  })

  it('has them after it was down', async () => {
    expect((await stack('down', folder)).code).toBe(0)
    expect(processesOf(folder)).toEqual([])
    await upWith(folder, '--no-smoke')
    expect(await (await media.get(place)).text()).toBe('kept in Kubo')
  })

  it('says what becomes of them when it is left out, and has them when it is back', async () => {
    const said = await upWith(folder, '--without', 'kubo', '--no-smoke')
    expect(said).toContain('kubo is left out: media that lie in it are away until it is back')
    expect((await media.get(place)).status).toBe(404)
    await upWith(folder, '--with', 'kubo', '--no-smoke')
    expect(await (await media.get(place)).text()).toBe('kept in Kubo')
  })
})
