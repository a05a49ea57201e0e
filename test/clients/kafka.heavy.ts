/** The sink to a real Kafka: it loses nothing and keeps every room in order, while the broker is killed and comes back. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { Admin, Consumer, stringDeserializers } from '@platformatic/kafka'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KafkaTarget } from '../../local/kafka/broker.ts'
import { type KafkaFlags, kafkaSettings } from '../../local/kafka/settings.ts'
import { projectRoot } from '../../local/paths.ts'
import { inTime } from '../../src/patience.ts'
import { PARTITIONS } from '../../src/protocol/event-stream.ts'
import { KAFKA_USER, type Kafka, kafkaLacks, needingKafka, startKafka } from '../event-stream/kafka.ts'
import { newToken, textsIn } from '../event-stream/reader.ts'
import type { Body } from '../support/client.ts'
import { eventually } from '../support/eventually.ts'
import { serving } from '../support/serving.ts'

const ROOMS = 50
const EVENTS = Number(process.env.KAFKA_EVENTS ?? 20_000)
const AT_ONCE = 16
/** After so many events the broker is killed. */
const KILLS = [0.3, 0.65].map((share) => Math.round(EVENTS * share))
const TOPIC = 'selvedge.events'
/** A read that has not ended by then is begun anew, ms. */
const READ_MS = 20_000

interface Message {
  key: string
  record: Body
  /** By its partition and offset in the stream. */
  name: string
}

/**
 * What a topic has, in the order of its partitions. A broker that was killed a moment ago may tell of less, or give less
 * than it told of: the caller then reads again.
 */
async function allIn(broker: string, topic: string): Promise<Message[]> {
  const consumer = new Consumer({
    clientId: 'reader',
    groupId: `reader-${Math.random()}`,
    bootstrapBrokers: [broker],
    deserializers: stringDeserializers,
  })
  const ends = (await consumer.listOffsets({ topics: [topic] })).get(topic) ?? []
  const count = ends.reduce((sum, end) => sum + Number(end), 0)
  // What is fetched again is one message all the same.
  const found = new Map<string, Message>()
  const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: false })
  const { promise: isOver, resolve: end } = Promise.withResolvers<void>()
  stream.on('error', () => end())
  stream.on('data', ({ headers, key, offset, partition, value }) => {
    // It came after the ends were asked for, and may be read before what is older in another partition.
    if (Number(offset) >= Number(ends[partition])) return
    const name = `${headers.get('selvedge-partition')}/${headers.get('selvedge-offset')}`
    const record = JSON.parse(String(value)) as Body
    found.set(`${partition}/${offset}`, { key: String(key), record, name })
    if (found.size === count) end()
  })
  if (count > 0) await inTime(READ_MS, isOver)
  await consumer.close(true)
  return [...found.values()]
}

/** Reads a topic until all that is wanted is there. */
const readIn = (broker: string, topic: string, isWhole: (messages: Message[]) => boolean) =>
  eventually(() => allIn(broker, topic), isWhole, 120_000)

describe.skipIf(kafkaLacks !== undefined)(needingKafka('the sink to Kafka'), () => {
  const { server, http, alice } = serving(['alice'], { 'event-stream': 'on', presence: 'off' })
  let kafka: Kafka
  let sink: ChildProcess
  let output = ''
  /** Messages in Kafka after the first test. */
  let total = 0

  beforeAll(async () => {
    kafka = await startKafka()
  }, 300_000)

  afterAll(async () => {
    sink?.kill('SIGKILL')
    await kafka?.stop()
  })

  async function runSink(): Promise<void> {
    const { token } = await newToken(server, http, { topics: ['events'], group: 'kafka' })
    const args = ['local/commands/stream-kafka.ts', '--brokers', kafka.plain, '--topics', 'events']
    sink = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', ...args, '--compression', 'lz4', '--public-url', server.url],
      { cwd: join(projectRoot), env: { PATH: process.env.PATH, STREAM_TOKEN: token }, stdio: 'pipe' },
    )
    for (const stream of [sink.stdout, sink.stderr])
      stream?.on('data', (chunk) => {
        output += chunk
      })
  }

  it(`${EVENTS} events of ${ROOMS} rooms are all there, each room in order, after the broker was killed twice`, async () => {
    const rooms: string[] = []
    for (let n = 0; n < ROOMS; n += 1) rooms.push(await alice.createRoom())
    await runSink()
    await eventually(
      () => output,
      (text) => text.includes(`created ${TOPIC}`),
      60_000,
    )
    const said = new Map<string, string[]>(rooms.map((roomId) => [roomId, []]))
    let next = 0
    let kills = 0
    let restarts: Promise<void> = Promise.resolve()
    // Each writer has rooms of its own, so that the order of a room is that of its sends.
    const writer = async (own: string[]) => {
      while (next < EVENTS) {
        const n = next
        next += 1
        if (n === KILLS[kills]) {
          kills += 1
          restarts = restarts.then(() => kafka.kill()).then(() => kafka.start())
        }
        const roomId = own[n % own.length] as string
        await alice.say(roomId, `event ${n}`)
        said.get(roomId)?.push(`event ${n}`)
      }
    }
    await Promise.all(
      Array.from({ length: AT_ONCE }, (_, number) =>
        writer(rooms.filter((_room, index) => index % AT_ONCE === number)),
      ),
    )
    await restarts
    expect(kills).toBe(KILLS.length)
    const { token } = await newToken(server, http)
    const group = async () => {
      const { body } = await http.request('GET', '/_selvedge/stream', undefined, { token })
      return body.groups.find((one: Body) => one.group === 'kafka')
    }
    await eventually(group, (one) => one?.lag === 0 && one.offsets.length > 0, 240_000)
    const textsOf = (all: Message[]) => new Set(textsIn(all.map(({ record }) => record)))
    const messages = await readIn(kafka.plain, TOPIC, (all) => textsOf(all).size >= EVENTS)
    total = messages.length
    const seen = new Set<string>()
    const byRoom = new Map<string, Body[]>()
    for (const { key, record, name } of messages) {
      if (seen.has(name)) continue
      seen.add(name)
      byRoom.set(key, [...(byRoom.get(key) ?? []), record])
    }
    for (const [roomId, texts] of said) {
      const records = byRoom.get(roomId) ?? []
      expect(textsIn(records)).toEqual(texts)
      const positions = records.map(({ position }) => position)
      expect(positions).toEqual(positions.toSorted((a: number, b: number) => a - b))
    }
    expect([...said.values()].flat()).toHaveLength(EVENTS)
    console.log(`${messages.length} messages in Kafka, ${messages.length - seen.size} of them twice`)
  }, 900_000)

  it('ends by SIGTERM, and another one goes on where it was', async () => {
    const ended = new Promise((resolve) => sink.once('exit', resolve))
    sink.kill('SIGTERM')
    expect(await ended).toBe(0)
    const roomId = await alice.createRoom()
    await alice.say(roomId, 'for the next sink')
    const before = (await readIn(kafka.plain, TOPIC, (all) => all.length >= total)).length
    await runSink()
    const isTold = (messages: Message[]) =>
      messages.length > before && textsIn(messages.map(({ record }) => record)).includes('for the next sink')
    const all = await readIn(kafka.plain, TOPIC, isTold)
    expect(all.filter(({ key }) => key !== roomId)).toHaveLength(before)
  })

  describe('a batch', () => {
    const batch = (text: string) => ({
      topic: 'receipts' as const,
      partition: 3,
      records: [
        { offset: 7, timestamp: 1_764_425_000_000, key: '!a:b', kind: 'receipt', position: 1, text },
        { offset: 8, timestamp: 1_764_425_000_001, key: '!a:b', kind: 'receipt', position: 2, text },
      ],
      nextOffset: 9,
      endOffset: 9,
    })

    it.each([
      ['gzip', {}],
      ['snappy', {}],
      ['lz4', {}],
      ['zstd', {}],
      ['zstd', { tls: 'on' }],
      ['none', { tls: 'on', sasl: 'PLAIN' }],
      ['none', { tls: 'on', sasl: 'SCRAM-SHA-256' }],
      ['lz4', { tls: 'on', sasl: 'SCRAM-SHA-512' }],
    ])('goes compressed by %s, with %o, keyed by room', async (compression, more: KafkaFlags) => {
      const address = more.sasl !== undefined ? kafka.sasl : more.tls !== undefined ? kafka.tls : kafka.plain
      const prefix = `${compression}.${more.tls ?? 'off'}.${more.sasl ?? 'none'}.`
      const settings = kafkaSettings(
        {
          brokers: address,
          topics: 'receipts',
          prefix,
          partitions: '4',
          compression,
          ...more,
          ...(more.tls !== undefined && { 'kafka-ca': kafka.ca }),
        },
        { KAFKA_USERNAME: KAFKA_USER.username, KAFKA_PASSWORD: KAFKA_USER.password },
      )
      const target = new KafkaTarget(settings)
      expect(await target.createTopics()).toEqual([`${prefix}receipts`])
      expect(await target.createTopics()).toEqual([])
      const text = 'x'.repeat(3_000)
      await target.write(batch(text))
      const found = await readIn(kafka.plain, `${prefix}receipts`, ({ length }) => length >= 2)
      expect(found.map(({ key, name, record }) => [key, name, record.text])).toEqual([
        ['!a:b', '3/7', text],
        ['!a:b', '3/8', text],
      ])
      expect(await target.deleteTopics()).toEqual([`${prefix}receipts`])
      await target.close()
    })

    it('is not taken by wrong credentials', async () => {
      const target = new KafkaTarget(
        kafkaSettings(
          { brokers: kafka.sasl, topics: 'receipts', tls: 'on', sasl: 'PLAIN', 'kafka-ca': kafka.ca },
          { KAFKA_USERNAME: KAFKA_USER.username, KAFKA_PASSWORD: 'wrong' },
        ),
      )
      await expect(target.createTopics()).rejects.toThrow()
      await target.close()
    })
  })

  it('has as many partitions as were asked for', async () => {
    const admin = new Admin({ clientId: 'looks', bootstrapBrokers: [kafka.plain] })
    const { topics } = await admin.metadata({ topics: [TOPIC] })
    expect(topics.get(TOPIC)?.partitions).toHaveLength(PARTITIONS)
    await admin.close()
  })
})
