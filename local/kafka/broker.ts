/** The Kafka that the sink writes to: its topics, and batches of records that it has taken or not. */
import { setTimeout as pause } from 'node:timers/promises'
import { Admin, type MessageToProduce, ProduceAcks, Producer, stringSerializers } from '@platformatic/kafka'
import type { Batch } from '../../clients/event-stream/index.ts'
import type { Topic } from '../../src/protocol/event-stream.ts'
import type { KafkaSettings } from './settings.ts'

const ADMIN_TRIES = 4
const ADMIN_PAUSE_MS = 1_500
const CLIENT_ID = 'selvedge'
/** How long a broker may take to answer, ms. */
const REQUEST_MS = 20_000

/** How long a batch may take before its producer is given up, ms. */
const WRITE_MS = 30_000

type TextProducer = Producer<string, string, string, string>

export class KafkaTarget {
  readonly #settings: KafkaSettings
  /** Made anew after each failure: what the one before knew of the brokers may be why it failed. */
  #producer: TextProducer | undefined

  constructor(settings: KafkaSettings) {
    this.#settings = settings
  }

  nameOf(topic: Topic): string {
    return `${this.#settings.prefix}${topic}`
  }

  /**
   * Writes a batch. Answers when all in-sync copies have all of it.
   * @throws when that is not known: the batch is written again, and may then be there twice, but in order
   */
  async write({ topic, partition, records }: Batch): Promise<void> {
    const messages: MessageToProduce<string, string, string, string>[] = records.map((record) => ({
      topic: this.nameOf(topic),
      key: record.key,
      value: JSON.stringify(record),
      timestamp: BigInt(record.timestamp),
      headers: { 'selvedge-partition': String(partition), 'selvedge-offset': String(record.offset) },
    }))
    const producer = this.#current()
    try {
      await inTime(producer.send({ messages }))
    } catch (error) {
      if (this.#producer === producer) this.#producer = undefined
      await end(producer)
      throw error
    }
  }

  /** Makes the topics that are not there. Answers their names. */
  createTopics(): Promise<string[]> {
    const { partitions, replicas, topics } = this.#settings
    return this.#asAdmin(async (admin) => {
      const there = new Set(await admin.listTopics())
      const missing = topics.map((topic) => this.nameOf(topic)).filter((name) => !there.has(name))
      if (missing.length > 0) await admin.createTopics({ topics: missing, partitions, replicas })
      return missing
    })
  }

  /** Deletes the topics that are there, with all that is in them. Answers their names. */
  deleteTopics(): Promise<string[]> {
    return this.#asAdmin(async (admin) => {
      const there = new Set(await admin.listTopics())
      const found = this.#settings.topics.map((topic) => this.nameOf(topic)).filter((name) => there.has(name))
      if (found.length > 0) await admin.deleteTopics({ topics: found })
      return found
    })
  }

  async close(): Promise<void> {
    const producer = this.#producer
    this.#producer = undefined
    if (producer !== undefined) await end(producer)
  }

  #current(): TextProducer {
    const { compression } = this.#settings
    this.#producer ??= new Producer({
      ...connectionOf(this.#settings),
      serializers: stringSerializers,
      // A repeated request is known by its number: a lost answer makes no second copy and changes no order.
      idempotent: true,
      acks: ProduceAcks.ALL,
      ...(compression !== 'none' && { compression }),
    })
    return this.#producer
  }

  async #asAdmin<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      const admin = new Admin(connectionOf(this.#settings))
      try {
        return await work(admin)
      } catch (error) {
        // Brokers that have just started know each other only after a while.
        if (tries === ADMIN_TRIES) throw error
        await pause(ADMIN_PAUSE_MS)
      } finally {
        await admin.close()
      }
    }
  }
}

/** @throws when the work takes too long */
async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('Kafka did not answer in time')), WRITE_MS)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Whatever it still waits for is given up. */
async function end(producer: TextProducer): Promise<void> {
  await inTime(producer.close()).catch(() => undefined)
}

function connectionOf({ brokers, tls, sasl }: KafkaSettings) {
  return {
    clientId: CLIENT_ID,
    bootstrapBrokers: brokers,
    requestTimeout: REQUEST_MS,
    // The reader of the stream tries again, with what is newest of the topics by then.
    retries: 2,
    ...(tls !== undefined && { tls, tlsServerName: true }),
    ...(sasl !== undefined && { sasl }),
  }
}
