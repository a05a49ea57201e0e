/** The settings of the sink to Kafka, as flags: what they mean, and what they must be. */
import { readFileSync } from 'node:fs'
import type { Topic } from '../../src/protocol/event-stream.ts'
import { TOPICS } from '../../src/protocol/event-stream.ts'
import { StartError } from '../start-error.ts'

export const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const

export interface KafkaSettings {
  brokers: string[]
  topics: Topic[]
  prefix: string
  group: string
  partitions: number
  /** -1: what the brokers have set. */
  replicas: number
  compression: (typeof COMPRESSIONS)[number]
  tls?: { ca?: string; cert?: string; key?: string }
  sasl?: { mechanism: (typeof MECHANISMS)[number]; username: string; password: string }
}

/** Each flag with the value that it takes, and a line about it. */
export const KAFKA_FLAGS = {
  brokers: ['host:port,…', 'Brokers to begin with. Needed.'],
  topics: ['topic,…', `Topics of the stream. Default: ${TOPICS.join(',')}.`],
  prefix: ['text', 'What stands before their names in Kafka. Default: selvedge. (with the dot).'],
  group: ['name', 'The consumer group that remembers how far Kafka has been told. Default: kafka.'],
  partitions: ['number', 'Partitions of topics that are made. Default: 16.'],
  replicas: ['number', 'Copies of topics that are made. Default: as the brokers have it.'],
  compression: [COMPRESSIONS.join('|'), 'Of the batches. Default: none.'],
  tls: ['on|off', 'Whether brokers are spoken to by TLS. Default: off.'],
  'kafka-ca': ['file', 'Certificates to trust for the brokers, PEM.'],
  'kafka-cert': ['file', 'A certificate of ones own for them, PEM; with --kafka-key.'],
  'kafka-key': ['file', 'Its private key, PEM.'],
  sasl: ['mechanism', `${MECHANISMS.join(', ')}; with KAFKA_USERNAME and KAFKA_PASSWORD.`],
} as const

export type KafkaFlags = Partial<Record<keyof typeof KAFKA_FLAGS, string>>

const MOST_PARTITIONS = 10_000
const MOST_REPLICAS = 100

/** @throws StartError naming the flag that is wrong, never a secret */
export function kafkaSettings(flags: KafkaFlags, env: NodeJS.ProcessEnv): KafkaSettings {
  if (flags.brokers === undefined) throw wrong('brokers', 'is missing: such as --brokers localhost:9092')
  const brokers = flags.brokers.split(',')
  if (!brokers.every((one) => /^[^\s,:]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$/.test(one)))
    throw wrong('brokers', 'must be host:port, with commas between them')
  const prefix = flags.prefix ?? 'selvedge.'
  if (!/^[A-Za-z0-9._-]{0,200}$/.test(prefix)) throw wrong('prefix', 'must be of A-Z, a-z, 0-9, ., _ and -')
  return {
    brokers,
    topics: (flags.topics ?? TOPICS.join(',')).split(',').map((topic) => oneOf('topics', topic, TOPICS)),
    prefix,
    group: flags.group ?? 'kafka',
    partitions: whole('partitions', flags.partitions ?? '16', MOST_PARTITIONS),
    replicas: flags.replicas === undefined ? -1 : whole('replicas', flags.replicas, MOST_REPLICAS),
    compression: oneOf('compression', flags.compression ?? 'none', COMPRESSIONS),
    ...tlsOf(flags),
    ...saslOf(flags, env),
  }
}

function tlsOf(flags: KafkaFlags): Pick<KafkaSettings, 'tls'> {
  const files = { ca: flags['kafka-ca'], cert: flags['kafka-cert'], key: flags['kafka-key'] }
  const given = Object.entries(files).filter(([, file]) => file !== undefined)
  if (oneOf('tls', flags.tls ?? 'off', ['on', 'off'] as const) === 'off') {
    if (given.length > 0) throw wrong('tls', 'must be on for --kafka-ca, --kafka-cert and --kafka-key')
    return {}
  }
  if ((files.cert === undefined) !== (files.key === undefined))
    throw wrong('kafka-cert', 'and --kafka-key belong together')
  const read = given.map(([name, file]) => [name, readFileSync(file as string, 'utf8')])
  return { tls: Object.fromEntries(read) }
}

function saslOf(flags: KafkaFlags, env: NodeJS.ProcessEnv): Pick<KafkaSettings, 'sasl'> {
  if (flags.sasl === undefined) return {}
  const mechanism = oneOf('sasl', flags.sasl.toUpperCase(), MECHANISMS)
  const { KAFKA_USERNAME: username, KAFKA_PASSWORD: password } = env
  if (!username || !password)
    throw new StartError('--sasl needs the environment variables KAFKA_USERNAME and KAFKA_PASSWORD', 2)
  return { sasl: { mechanism, username, password } }
}

function oneOf<T extends string>(flag: keyof KafkaFlags, text: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === text)
  if (found === undefined) throw wrong(flag, `must be of ${allowed.join(', ')}, not ${text}`)
  return found
}

function whole(flag: keyof KafkaFlags, text: string, most: number): number {
  const number = Number(text)
  if (!/^\d+$/.test(text) || number < 1 || number > most)
    throw wrong(flag, `must be a whole number from 1 to ${most}`)
  return number
}

function wrong(flag: keyof KafkaFlags, what: string): StartError {
  return new StartError(`--${flag} ${what} (see --help)`, 2)
}
