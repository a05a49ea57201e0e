/** `npm run stream:kafka`: carries the event stream to a Kafka until it is ended; makes and deletes its topics there. */
import { KafkaTarget } from '../kafka/broker.ts'
import { KAFKA_FLAGS, type KafkaFlags, type KafkaSettings, kafkaSettings } from '../kafka/settings.ts'
import { KafkaSink } from '../kafka/sink.ts'
import { helpText, readOptions } from '../options/options.ts'
import { messageOf, StartError } from '../start-error.ts'
import { runCommand } from './command.ts'
import { addressOf, type ServerOptions, serverOptions } from './running-server.ts'
import { splitFlags } from './words.ts'

/** How often it says how far it is, ms. */
const SAYS_MS = 60_000

const flagKinds = Object.fromEntries(Object.keys(KAFKA_FLAGS).map((name) => [name, 'string'] as const))

await runCommand(async () => {
  const { words, flags, rest } = splitFlags(process.argv.slice(2), flagKinds, serverOptions)
  const options = readOptions(rest, process.env, serverOptions)
  if (options === 'help') {
    process.stdout.write(help())
    return
  }
  const [what = 'run', surplus] = words
  if (!['run', 'create-topics', 'delete-topics'].includes(what))
    throw new StartError(`name what to do: run, create-topics or delete-topics, not ${what} (see --help)`, 2)
  if (surplus !== undefined) throw new StartError(`unexpected argument ${surplus} (see --help)`, 2)
  const settings = kafkaSettings(flags as KafkaFlags, process.env)
  if (what === 'run') await run(settings, options)
  else await changeTopics(settings, what === 'create-topics')
})

async function run(settings: KafkaSettings, options: ServerOptions): Promise<void> {
  const token = process.env.STREAM_TOKEN
  if (!token)
    throw new StartError('STREAM_TOKEN is missing: npm run stream:token -- --topics … prints one', 2)
  const url = addressOf(options)
  await changeTopics(settings, true)
  const sink = new KafkaSink({ settings, url, token, onError: (error) => console.error(lineOf(error)) })
  const says = setInterval(() => console.log(`written: ${sink.written}`), SAYS_MS)
  let stopping: Promise<void> | undefined
  const stop = () => {
    stopping ??= sink.stop()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, stop)
  console.log(`from ${url} to ${settings.brokers.join(',')}: ${settings.topics.join(', ')}`)
  try {
    await sink.run()
  } catch (error) {
    throw new StartError(lineOf(error))
  } finally {
    clearInterval(says)
    stop()
    await stopping
    console.log(`written: ${sink.written}`)
  }
}

async function changeTopics(settings: KafkaSettings, isCreate: boolean): Promise<void> {
  const target = new KafkaTarget(settings)
  try {
    const names = await (isCreate ? target.createTopics() : target.deleteTopics())
    for (const name of names) console.log(`${isCreate ? 'created' : 'deleted'} ${name}`)
  } catch (error) {
    throw new StartError(`Kafka at ${settings.brokers.join(',')}: ${lineOf(error)}`)
  } finally {
    await target.close()
  }
}

function lineOf(error: unknown): string {
  return messageOf(error).split('\n').join(' ')
}

function help(): string {
  const [, ...options] = helpText('npm run stream:kafka', serverOptions).split('\n')
  const own = Object.entries(KAFKA_FLAGS).map(
    ([name, [value, text]]) => `  --${name} <${value}>\n      ${text}`,
  )
  return [
    'Usage: npm run stream:kafka -- [run] --brokers <host:port,…> [options]',
    '       npm run stream:kafka -- create-topics|delete-topics --brokers <host:port,…> [options]',
    '',
    '  run            Makes the topics that are missing, then carries the event stream until it is ended.',
    '                 STREAM_TOKEN holds a token of the stream. Several of one group share the work.',
    '  create-topics  Makes the topics that are missing.',
    '  delete-topics  Deletes them, with all that is in them.',
    '',
    ...own,
    ...options,
  ].join('\n')
}
