/** Kubo, an IPFS node that speaks with nobody: it holds what the server gives it. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../../paths.ts'
import { inPath, runProgram } from '../programs.ts'
import { LOOPBACK, portOf, type Service, type Stack } from '../service.ts'
import { ownFolder } from '../users.ts'

const BUILD = join(projectRoot, 'local', 'stack', 'services', 'build-kubo.sh')

const rootOf = (folder: string) => join(folder, 'kubo')
const built = (folder: string) => join(rootOf(folder), 'bin', 'ipfs')
const repository = ({ folder }: Stack) => ({
  IPFS_PATH: join(rootOf(folder), 'repository'),
  IPFS_TELEMETRY: 'off',
})

export const kuboUrl = (stack: Stack): string => `http://${LOOPBACK}:${portOf(stack, 'kubo')}`

/** Its RPC API can do everything with the node, so it asks for a secret even here. */
export const kuboSecret = ({ state }: Stack): string => `bearer:${state.secrets.kubo}`

type Config = Record<string, Record<string, unknown> | unknown[]>

/** Nothing listens beyond loopback, nobody is looked for, and media are served by the server alone. */
const settingsOf = (stack: Stack): Record<string, Record<string, unknown>> => ({
  Addresses: { API: `/ip4/${LOOPBACK}/tcp/${portOf(stack, 'kubo')}`, Gateway: [], Swarm: [] },
  API: { Authorizations: { selvedge: { AuthSecret: kuboSecret(stack), AllowedPaths: ['/api/v0'] } } },
  Routing: { Type: 'none' },
  AutoConf: { Enabled: false },
  AutoTLS: { Enabled: false },
})

async function build(folder: string): Promise<void> {
  if (inPath('go') !== undefined) await runProgram(BUILD, [built(folder)], { env: process.env })
}

export const kubo: Service = {
  name: 'kubo',
  requires: [
    {
      name: 'ipfs',
      what: 'Kubo, which Go builds',
      find: (folder) => inPath('ipfs') ?? (existsSync(built(folder)) ? built(folder) : undefined),
      fetch: { says: 'building Kubo by Go, which takes many minutes', run: build },
    },
  ],
  ports: ['kubo'],
  farewell: 'media that lie in it are away until it is back: npm run media:move copies them before',
  async prepare(stack, programs) {
    const env = { ...process.env, ...repository(stack) }
    ownFolder(rootOf(stack.folder), undefined)
    const file = join(env.IPFS_PATH, 'config')
    if (!existsSync(file)) {
      await runProgram(programs.ipfs!, ['init', '--empty-repo', '--profile=server'], { env })
    }
    const config = JSON.parse(readFileSync(file, 'utf8')) as Config
    for (const [name, settings] of Object.entries(settingsOf(stack))) {
      config[name] = { ...config[name], ...settings }
    }
    config.Bootstrap = []
    writeFileSync(file, JSON.stringify(config, null, 2), { mode: 0o600 })
  },
  command: (stack, programs) => ({
    program: programs.ipfs!,
    args: ['daemon', '--offline', '--migrate=true', '--enable-gc'],
    env: repository(stack),
  }),
  async check(stack) {
    const [, token = ''] = kuboSecret(stack).split(':')
    const headers = { authorization: `Bearer ${token}` }
    const answer = await fetch(`${kuboUrl(stack)}/api/v0/version`, { method: 'POST', headers })
    if (!answer.ok) throw new Error(`it answers ${answer.status}`)
    await answer.body?.cancel()
  },
  address: kuboUrl,
}
