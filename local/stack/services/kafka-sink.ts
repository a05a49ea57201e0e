/** The sink to Kafka: carries the event stream of the server to the stack's broker. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { TOPICS } from '../../../src/protocol/event-stream.ts'
import { findServer, Refused, type RunningServer } from '../../commands/running-server.ts'
import { projectRoot } from '../../paths.ts'
import { LOOPBACK, portOf, type Service, type Stack } from '../service.ts'
import { ownFile, ownFolder } from '../users.ts'
import { dataDirOf } from './selvedge.ts'

const GROUP = 'kafka'

const Token = z.object({ id: z.string(), token: z.string() })
const Status = z.object({ groups: z.array(z.object({ group: z.string(), members: z.array(z.unknown()) })) })

const rootOf = ({ folder }: Stack) => join(folder, 'kafka-sink')
const tokenFile = (stack: Stack) => join(rootOf(stack), 'token.json')

const serverOf = (stack: Stack): Promise<RunningServer> =>
  findServer({
    'data-dir': dataDirOf(stack),
    'server-name': undefined,
    'public-url': undefined,
    host: LOOPBACK,
    port: String(portOf(stack, 'selvedge')),
    ca: undefined,
  })

/** A new one at each start, so that a token that was revoked keeps nothing away for good. */
async function renewToken(stack: Stack): Promise<void> {
  const file = tokenFile(stack)
  const server = await serverOf(stack)
  const earlier = existsSync(file) ? Token.parse(JSON.parse(readFileSync(file, 'utf8'))) : undefined
  const wanted = { topics: TOPICS, group: GROUP, name: 'the stack' }
  const { id, token } = Token.parse(await server.ask('POST', '/_selvedge/admin/stream/tokens', wanted))
  ownFile(file, JSON.stringify({ id, token }), undefined)
  if (earlier === undefined) return
  const path = `/_selvedge/admin/stream/tokens/${encodeURIComponent(earlier.id)}`
  await server.ask('DELETE', path).catch((error) => {
    if (!(error instanceof Refused) || error.status !== 404) throw error
  })
}

export const kafkaSink: Service = {
  name: 'kafka-sink',
  requires: [],
  ports: [],
  async prepare(stack) {
    ownFolder(rootOf(stack), undefined)
    await renewToken(stack)
  },
  command: (stack) => ({
    program: process.execPath,
    args: [
      '--disable-warning=ExperimentalWarning',
      join(projectRoot, 'local', 'commands', 'stream-kafka.ts'),
      ...['run', '--brokers', `${LOOPBACK}:${portOf(stack, 'kafka')}`, '--group', GROUP, '--replicas', '1'],
      ...['--data-dir', dataDirOf(stack), '--host', LOOPBACK, '--port', String(portOf(stack, 'selvedge'))],
    ],
    cwd: projectRoot,
    env: { STREAM_TOKEN: Token.parse(JSON.parse(readFileSync(tokenFile(stack), 'utf8'))).token },
  }),
  /** The server knows who reads its stream. */
  async check(stack) {
    const server = await serverOf(stack)
    const { groups } = Status.parse(await server.ask('GET', '/_selvedge/stream'))
    const members = groups.find(({ group }) => group === GROUP)?.members.length ?? 0
    if (members === 0) throw new Error('it does not read the event stream')
  },
  address: (stack) => `to ${LOOPBACK}:${portOf(stack, 'kafka')}, as the group ${GROUP}`,
}
