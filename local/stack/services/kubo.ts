/** Kubo, an IPFS node that speaks with nobody: it holds what the server gives it. */
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { inPath, runProgram } from '../programs.ts'
import { LOOPBACK, portOf, type Service, type Stack } from '../service.ts'
import { ownFolder } from '../users.ts'

const VERSION = 'v0.43.1'
const MODULE = 'github.com/ipfs/kubo/cmd/ipfs'

const rootOf = (folder: string) => join(folder, 'kubo')
const built = (folder: string) => join(rootOf(folder), 'bin', 'ipfs')
const repository = ({ folder }: Stack) => ({ IPFS_PATH: join(rootOf(folder), 'repository') })

/** Nothing listens beyond loopback, nobody is looked for, and nothing is told of what is kept here. */
const SETTINGS: Readonly<Record<string, unknown>> = {
  'Addresses.Swarm': [],
  Bootstrap: [],
  'Routing.Type': 'none',
  'Discovery.MDNS.Enabled': false,
  'Swarm.DisableNatPortMap': true,
  'Swarm.RelayClient.Enabled': false,
  'AutoConf.Enabled': false,
  'AutoTLS.Enabled': false,
}

async function build(folder: string): Promise<void> {
  const go = inPath('go')
  if (go === undefined) return
  mkdirSync(join(rootOf(folder), 'bin'), { recursive: true })
  const env = { ...process.env, GOBIN: join(rootOf(folder), 'bin'), GOFLAGS: '-trimpath', CGO_ENABLED: '0' }
  await runProgram(go, ['install', `${MODULE}@${VERSION}`], { env })
}

export const kubo: Service = {
  name: 'kubo',
  requires: [
    {
      name: 'ipfs',
      what: 'Kubo, which Go builds',
      find: (folder) => inPath('ipfs') ?? (existsSync(built(folder)) ? built(folder) : undefined),
      fetch: { says: `building Kubo ${VERSION} by Go, which takes minutes`, run: build },
    },
  ],
  ports: ['kubo', 'kubo-gateway'],
  async prepare(stack, programs) {
    const ipfs = programs.ipfs!
    const env = { ...process.env, ...repository(stack) }
    ownFolder(rootOf(stack.folder), undefined)
    if (!existsSync(join(env.IPFS_PATH, 'config')))
      await runProgram(ipfs, ['init', '--profile=server'], { env })
    const settings = {
      ...SETTINGS,
      'Addresses.API': `/ip4/${LOOPBACK}/tcp/${portOf(stack, 'kubo')}`,
      'Addresses.Gateway': `/ip4/${LOOPBACK}/tcp/${portOf(stack, 'kubo-gateway')}`,
    }
    for (const [key, value] of Object.entries(settings)) {
      await runProgram(ipfs, ['config', '--json', key, JSON.stringify(value)], { env })
    }
  },
  command: (stack, programs) => ({
    program: programs.ipfs!,
    args: ['daemon', '--migrate=true', '--enable-gc'],
    env: repository(stack),
  }),
  async check(stack) {
    const answer = await fetch(`${this.address(stack)}/api/v0/version`, { method: 'POST' })
    if (!answer.ok) throw new Error(`it answers ${answer.status}`)
    await answer.body?.cancel()
  },
  address: (stack) => `http://${LOOPBACK}:${portOf(stack, 'kubo')}`,
}
