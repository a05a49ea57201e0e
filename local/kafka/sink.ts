/**
 * Carries the event stream to a Kafka, as a member of a consumer group: a batch is committed here once Kafka has it, and
 * the next one of the same partition is read only then. So nothing is lost, and no room is out of order.
 */
import { type Batch, GroupConsumer } from '../../clients/event-stream/index.ts'
import { KafkaTarget } from './broker.ts'
import type { KafkaSettings } from './settings.ts'

export interface SinkOptions {
  settings: KafkaSettings
  /** The homeserver, and a token of its stream. */
  url: string
  token: string
  /** Told of what goes wrong and is tried again. */
  onError: (error: unknown) => void
  /** Records in a batch at most. */
  limit?: number
}

export class KafkaSink {
  readonly #target: KafkaTarget
  readonly #consumer: GroupConsumer
  #written = 0

  constructor({ settings, url, token, onError, limit }: SinkOptions) {
    this.#target = new KafkaTarget(settings)
    this.#consumer = new GroupConsumer({
      url,
      token,
      group: settings.group,
      topics: settings.topics,
      client: 'Kafka sink',
      each: (batch) => this.#write(batch),
      onError,
      ...(limit !== undefined && { limit }),
    })
  }

  /** Records that Kafka has taken from this sink. */
  get written(): number {
    return this.#written
  }

  /** Runs until `stop`. @throws when the stream refuses the token */
  run(): Promise<void> {
    return this.#consumer.run()
  }

  /** Lets what is under way end, and answers then. */
  async stop(): Promise<void> {
    await this.#consumer.stop()
    await this.#target.close()
  }

  async #write(batch: Batch): Promise<void> {
    await this.#target.write(batch)
    this.#written += batch.records.length
  }
}
