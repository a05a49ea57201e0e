/** The settings of the sink to Kafka: what they mean, and what is refused by the flag's name. */
import { expect, it } from 'vitest'
import { type KafkaFlags, kafkaSettings } from '../../local/kafka/settings.ts'
import { TOPICS } from '../../src/protocol/event-stream.ts'

const brokers = 'kafka-1:9092,[::1]:9093'

it('need brokers alone', () => {
  expect(kafkaSettings({ brokers }, {})).toEqual({
    brokers: ['kafka-1:9092', '[::1]:9093'],
    topics: [...TOPICS],
    prefix: 'selvedge.',
    group: 'kafka',
    partitions: 16,
    replicas: -1,
    compression: 'none',
  })
})

it('take the password from the environment', () => {
  const env = { KAFKA_USERNAME: 'user', KAFKA_PASSWORD: 'secret' }
  const { sasl } = kafkaSettings({ brokers, sasl: 'scram-sha-512' }, env)
  expect(sasl).toEqual({ mechanism: 'SCRAM-SHA-512', username: 'user', password: 'secret' })
})

it.each<[KafkaFlags, string]>([
  [{}, '--brokers is missing'],
  [{ brokers: 'kafka' }, '--brokers must be'],
  [{ brokers, topics: 'events,others' }, '--topics must be of'],
  [{ brokers, prefix: 'a b' }, '--prefix must be'],
  [{ brokers, partitions: '0' }, '--partitions must be'],
  [{ brokers, replicas: 'many' }, '--replicas must be'],
  [{ brokers, compression: 'rar' }, '--compression must be of'],
  [{ brokers, tls: 'yes' }, '--tls must be of'],
  [{ brokers, 'kafka-ca': 'ca.pem' }, '--tls must be on'],
  [{ brokers, tls: 'on', 'kafka-key': 'key.pem' }, '--kafka-cert and --kafka-key'],
  [{ brokers, sasl: 'KERBEROS' }, '--sasl must be of'],
  [{ brokers, sasl: 'PLAIN' }, 'KAFKA_USERNAME and KAFKA_PASSWORD'],
])('%o is refused', (flags, sentence) => {
  expect(() => kafkaSettings(flags, {})).toThrow(sentence)
})
