/** Redis: with a password, and a log of its own from which it comes back. */
import { join } from 'node:path'
import { connectResp } from '../../redis/resp.ts'
import { inPath } from '../programs.ts'
import { LOOPBACK, portOf, type Service, type Stack } from '../service.ts'
import { identityOf, ownFile, ownFolder, requireWalkable } from '../users.ts'

const rootOf = ({ folder }: Stack) => join(folder, 'redis')

export const redisUrl = (stack: Stack): string =>
  `redis://:${stack.state.secrets.redis}@${LOOPBACK}:${portOf(stack, 'redis')}/0`

/** What is set whatever the stack; nothing in it must last, and nothing may be pushed out of it. */
export const SETTINGS: Readonly<Record<string, string>> = {
  bind: LOOPBACK,
  'protected-mode': 'yes',
  appendonly: 'yes',
  save: '""',
  maxmemory: '256mb',
  'maxmemory-policy': 'volatile-ttl',
}

export const redis: Service = {
  name: 'redis',
  requires: [{ name: 'redis-server', find: () => inPath('redis-server'), debian: 'redis-server' }],
  ports: ['redis'],
  user: 'redis',
  async prepare(stack) {
    const as = identityOf(this)
    requireWalkable(stack, as)
    ownFolder(rootOf(stack), as)
    const settings = {
      ...SETTINGS,
      port: String(portOf(stack, 'redis')),
      dir: rootOf(stack),
      requirepass: stack.state.secrets.redis,
    }
    const lines = Object.entries(settings).map(([key, value]) => `${key} ${value}\n`)
    ownFile(join(rootOf(stack), 'redis.conf'), lines.join(''), as)
  },
  command: (stack, programs) => ({
    program: programs['redis-server']!,
    args: [join(rootOf(stack), 'redis.conf')],
    cwd: '/',
  }),
  async check(stack) {
    const client = await connectResp(redisUrl(stack))
    try {
      const [reply] = await client.send([['ping']])
      if (reply !== 'PONG') throw new Error(`it answers ${String(reply)}`)
    } finally {
      client.close()
    }
  },
  address: (stack) => `redis://${LOOPBACK}:${portOf(stack, 'redis')}/0`,
}
