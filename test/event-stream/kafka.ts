/** A real Kafka on loopback: one process that is broker and controller, from Maven Central; where Java and Maven are. */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { inPath } from '../../local/stack/programs.ts'
import { fetchKafka, jarsIn, javaArgs } from '../../local/stack/services/kafka.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/real-servers.ts'

const run = promisify(execFile)

const CLUSTER = 'c2VsdmVkZ2Uta2Fma2EtMQ'

/** The user that every SASL mechanism of the broker knows. */
export const KAFKA_USER = { username: 'selvedge', password: 'a password of tests' }

/** What a test of Kafka lacks; undefined: nothing. */
export const kafkaLacks: string | undefined = ['java', 'mvn'].find((name) => inPath(name) === undefined)

export function needingKafka(title: string): string {
  return kafkaLacks === undefined ? title : `${title} (skipped: the program ${kafkaLacks} is not installed)`
}

/** Where the programs of this run are. */
const PROGRAMS = join(tmpdir(), 'selvedge-kafka')

export interface Kafka {
  /** `host:port` by listener. */
  plain: string
  tls: string
  sasl: string
  /** The certificate of the listeners with TLS, PEM. */
  ca: string
  /** Ends the broker as `kill -9` does. */
  kill(): Promise<void>
  /** Starts it again on the same data and ports. */
  start(): Promise<void>
  stop(): Promise<void>
}

/** A fresh broker, started. */
export async function startKafka(): Promise<Kafka> {
  const folder = mkdtempSync(join(tmpdir(), 'selvedge-kafka-data-'))
  if (!existsSync(jarsIn(PROGRAMS))) await fetchKafka(PROGRAMS)
  const [plain, tls, sasl, controller] = await Promise.all([freePort(), freePort(), freePort(), freePort()])
  const { certificate, keyStore } = makeCertificate(folder)
  const settings = join(folder, 'server.properties')
  writeFileSync(settings, propertiesOf({ folder, keyStore, plain, tls, sasl, controller }))
  const { username, password } = KAFKA_USER
  const scram = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
    '--add-scram',
    `${mechanism}=[name=${username},password=${password}]`,
  ])
  const java = (main: string, ...args: string[]) => javaArgs(jarsIn(PROGRAMS), main, ...args)
  await run('java', java('kafka.tools.StorageTool', 'format', '-t', CLUSTER, '-c', settings, ...scram))
  let broker: ChildProcess | undefined
  const start = async () => {
    broker = spawn('java', java('kafka.Kafka', settings), { stdio: 'ignore' })
    await eventually(
      () => listens(plain),
      (is) => is,
      60_000,
    )
  }
  const kill = async () => {
    const ended = new Promise((resolve) => broker?.once('exit', resolve))
    broker?.kill('SIGKILL')
    await ended
  }
  await start()
  const at = (port: number) => `127.0.0.1:${port}`
  return {
    plain: at(plain),
    tls: at(tls),
    sasl: at(sasl),
    ca: certificate,
    kill,
    start,
    async stop() {
      await kill()
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

function makeCertificate(folder: string): { certificate: string; keyStore: string } {
  const [key, certificate, keyStore] = ['key.pem', 'cert.pem', 'store.p12'].map((name) =>
    join(folder, name),
  ) as [string, string, string]
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost']
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      '-keyout',
      key,
      '-out',
      certificate,
      ...subject,
    ],
    { stdio: 'pipe' },
  )
  execFileSync(
    'openssl',
    ['pkcs12', '-export', '-in', certificate, '-inkey', key, '-out', keyStore, '-passout', 'pass:changeit'],
    { stdio: 'pipe' },
  )
  return { certificate, keyStore }
}

interface Layout {
  folder: string
  keyStore: string
  plain: number
  tls: number
  sasl: number
  controller: number
}

function propertiesOf({ folder, keyStore, plain, tls, sasl, controller }: Layout): string {
  const listeners = `PLAIN://127.0.0.1:${plain},TLS://127.0.0.1:${tls},SASL://127.0.0.1:${sasl}`
  const { username, password } = KAFKA_USER
  const login = (module: string, more = '') =>
    `org.apache.kafka.common.security.${module} required username="${username}" password="${password}"${more};`
  const scram = login('scram.ScramLoginModule')
  const lines = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    listeners: `${listeners},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': listeners,
    'listener.security.protocol.map': 'PLAIN:PLAINTEXT,TLS:SSL,SASL:SASL_SSL,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAIN',
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    'log.dirs': join(folder, 'data'),
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'auto.create.topics.enable': 'false',
    'log.flush.interval.messages': '1',
    'ssl.keystore.location': keyStore,
    'ssl.keystore.type': 'PKCS12',
    'ssl.keystore.password': 'changeit',
    'ssl.key.password': 'changeit',
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'listener.name.sasl.plain.sasl.jaas.config': login(
      'plain.PlainLoginModule',
      ` user_${username}="${password}"`,
    ),
    'listener.name.sasl.scram-sha-256.sasl.jaas.config': scram,
    'listener.name.sasl.scram-sha-512.sasl.jaas.config': scram,
  }
  return Object.entries(lines)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const end = (is: boolean) => {
      socket.destroy()
      resolve(is)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}
