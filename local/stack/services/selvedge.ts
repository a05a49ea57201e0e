/** The homeserver itself, as `npm start` runs it. */
import { join } from 'node:path'
import { projectRoot } from '../../paths.ts'
import { StartError } from '../../start-error.ts'
import { LOOPBACK, portOf, runs, type Service, type Stack } from '../service.ts'
import { kuboSecret, kuboUrl } from './kubo.ts'
import { nginxUrl } from './nginx.ts'
import { databaseUrl } from './postgres.ts'
import { redisUrl } from './redis.ts'

export const dataDirOf = ({ folder }: Pick<Stack, 'folder'>): string => join(folder, 'data')

/** The header in which nginx names the client. */
export const ADDRESS_HEADER = 'X-Forwarded-For'

/** The options that only the stack can know. */
export function optionsOf(stack: Stack): string[] {
  const unlessNamed = (name: string, value: string) =>
    stack.state.options.some((word) => word === `--${name}` || word.startsWith(`--${name}=`))
      ? []
      : [`--${name}`, value]
  const behind = runs(stack, 'nginx')
    ? ['--client-address-header', ADDRESS_HEADER, ...unlessNamed('public-url', nginxUrl(stack))]
    : []
  const media = runs(stack, 'kubo')
    ? ['--ipfs-api', kuboUrl(stack), ...unlessNamed('media-store', 'ipfs')]
    : []
  const stream = runs(stack, 'kafka') ? unlessNamed('event-stream', 'on') : []
  return [
    ...['--host', LOOPBACK, '--port', String(portOf(stack, 'selvedge')), '--data-dir', dataDirOf(stack)],
    ...behind,
    ...media,
    ...stream,
    ...stack.state.options,
  ]
}

export const selvedge: Service = {
  name: 'selvedge',
  requires: [],
  ports: ['selvedge'],
  // A runtime that was killed may still hold the port for a moment.
  retries: 3,
  async prepare() {},
  command: (stack) => ({
    // The pinned one: `npm run` has put it here.
    program: process.execPath,
    args: [
      '--disable-warning=ExperimentalWarning',
      join(projectRoot, 'local', 'main.ts'),
      ...optionsOf(stack),
    ],
    cwd: projectRoot,
    // What is on a command line, every user of the machine can read.
    env: {
      METRICS_TOKEN: stack.state.secrets.metrics,
      // The check at the end of `up` makes its user by this secret, even where registration is closed.
      SELVEDGE_REGISTRATION_SHARED_SECRET: stack.state.secrets.registration,
      ...(runs(stack, 'kubo') && { SELVEDGE_IPFS_API_SECRET: kuboSecret(stack) }),
      ...(runs(stack, 'postgres') && { DATABASE_URL: databaseUrl(stack) }),
      ...(runs(stack, 'redis') && { REDIS_URL: redisUrl(stack) }),
    },
  }),
  async check(stack) {
    const answer = await fetch(`http://${LOOPBACK}:${portOf(stack, 'selvedge')}/health`)
    if (!answer.ok) throw new StartError(`it answers ${answer.status}`)
    await answer.body?.cancel()
  },
  address: (stack) => `http://${LOOPBACK}:${portOf(stack, 'selvedge')}`,
}
