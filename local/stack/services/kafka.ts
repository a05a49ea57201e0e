/** Kafka as one process, broker and controller in one; its jars come from Maven Central by Maven. */
import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { inPath, runProgram } from '../programs.ts'
import { LOOPBACK, portOf, type Service, type Stack } from '../service.ts'

const KAFKA = '3.9.1'
const SLF4J = '1.7.36'
/** Any 16 bytes in unpadded base64: which cluster this is. */
const CLUSTER = 'c2VsdmVkZ2Utc3RhY2stMQ'
const HEAP = '-Xmx384m'

const rootOf = (folder: string) => join(folder, 'kafka')
export const jarsIn = (folder: string): string => join(rootOf(folder), `jars-${KAFKA}`)

const dependency = (group: string, artifact: string, version: string) =>
  `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>selvedge</groupId><artifactId>stack</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>${dependency('org.apache.kafka', 'kafka_2.13', KAFKA)}${dependency('org.slf4j', 'slf4j-simple', SLF4J)}</dependencies>
</project>`

/** Fetches Kafka and what it needs, as a whole or not at all. */
export async function fetchKafka(folder: string): Promise<void> {
  const maven = inPath('mvn')
  if (maven === undefined) return
  const part = `${jarsIn(folder)}.part`
  mkdirSync(part, { recursive: true })
  writeFileSync(join(part, 'pom.xml'), POM)
  const args = ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${join(part, 'lib')}`]
  await runProgram(maven, args, { cwd: part })
  renameSync(part, jarsIn(folder))
}

/** The words that make Java run one of Kafka's classes. */
export function javaArgs(jars: string, main: string, ...args: string[]): string[] {
  const lib = join(jars, 'lib')
  const classes = readdirSync(lib).map((name) => join(lib, name))
  return [HEAP, '-cp', classes.join(':'), main, ...args]
}

/** The settings of a broker that is its own controller, both on loopback. */
export const propertiesOf = (data: string, broker: number, controller: number): Record<string, string> => ({
  'process.roles': 'broker,controller',
  'node.id': '1',
  listeners: `PLAINTEXT://${LOOPBACK}:${broker},CONTROLLER://${LOOPBACK}:${controller}`,
  'advertised.listeners': `PLAINTEXT://${LOOPBACK}:${broker}`,
  'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
  'controller.listener.names': 'CONTROLLER',
  'controller.quorum.voters': `1@${LOOPBACK}:${controller}`,
  'log.dirs': data,
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
})

const settingsFile = ({ folder }: Stack) => join(rootOf(folder), 'server.properties')

export const kafka: Service = {
  name: 'kafka',
  requires: [
    { name: 'java', find: () => inPath('java'), debian: 'default-jre-headless' },
    {
      name: 'kafka',
      what: 'the jars of Kafka, which Maven (mvn) fetches',
      find: (folder) => (existsSync(jarsIn(folder)) ? jarsIn(folder) : undefined),
      fetch: { says: `fetching Kafka ${KAFKA} by Maven`, run: fetchKafka },
    },
  ],
  ports: ['kafka', 'kafka-controller'],
  async prepare(stack, { java }) {
    const data = join(rootOf(stack.folder), 'data')
    const properties = propertiesOf(data, portOf(stack, 'kafka'), portOf(stack, 'kafka-controller'))
    const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`)
    writeFileSync(settingsFile(stack), lines.join(''))
    if (existsSync(join(data, 'meta.properties'))) return
    const format = ['format', '-t', CLUSTER, '-c', settingsFile(stack)]
    await runProgram(java!, javaArgs(jarsIn(stack.folder), 'kafka.tools.StorageTool', ...format))
  },
  command: (stack, programs) => ({
    program: programs.java!,
    args: javaArgs(jarsIn(stack.folder), 'kafka.Kafka', settingsFile(stack)),
  }),
  check: (stack) => brokerAnswers(portOf(stack, 'kafka')),
  address: (stack) => `${LOOPBACK}:${portOf(stack, 'kafka')}`,
}

/** ApiVersions, version 0, with the number 1 and no name: the first thing that every client asks. */
const API_VERSIONS = Buffer.from('0000000a0012000000000001ffff', 'hex')

/** Answers once a broker does. @throws what kept it from answering */
export function brokerAnswers(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: LOOPBACK, port, timeout: 5_000 })
    const fail = (error: Error) => {
      socket.destroy()
      reject(error)
    }
    socket.once('error', fail)
    socket.once('timeout', () => fail(new Error('it does not answer')))
    socket.once('close', () => reject(new Error('it hangs up')))
    socket.write(API_VERSIONS)
    let heard = Buffer.alloc(0)
    socket.on('data', (chunk) => {
      heard = Buffer.concat([heard, chunk])
      // A length, the number of the question, and a code that is 0.
      if (heard.length < 10) return
      socket.removeAllListeners('close')
      socket.destroy()
      const [number, code] = [heard.readInt32BE(4), heard.readInt16BE(8)]
      if (number === 1 && code === 0) resolve()
      else reject(new Error(`it answers with code ${code}`))
    })
  })
}
