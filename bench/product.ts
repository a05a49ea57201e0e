/** Selvedge itself, by its real launcher in processes of its own; or any homeserver that already runs. */

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Child, startChild, temporaryFolder } from './child.ts'
import type { Sizes } from './figures.ts'
import type { Server, Target } from './target.ts'

const ROOT = join(import.meta.dirname, '..')
const START_LIMIT_MS = 60_000

export function product(sizes: Sizes): Target {
  return { name: 'selvedge', title: 'Selvedge', sizes, start: startProduct }
}

/** Starts Selvedge with open registration, cheap passwords and no rate limits, on data that goes with it. */
export async function startProduct(): Promise<Server> {
  const directory = temporaryFolder('bench')
  let child = await launch(directory, '0')
  const server: Server = {
    url: child.ready,
    pids: [child.pid],
    async restart() {
      await child.stop()
      child = await launch(directory, new URL(server.url).port)
      server.pids = [child.pid]
    },
    async stop() {
      await child.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
  return server
}

function launch(directory: string, port: string): Promise<Child> {
  const options = {
    port,
    'data-dir': directory,
    registration: 'open',
    'rate-limits': 'off',
    'password-cost': 'low',
    'log-level': 'error',
  }
  return startChild({
    command: process.execPath,
    args: [
      join(ROOT, 'local/start.mjs'),
      ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]),
    ],
    cwd: ROOT,
    ready: /Selvedge is ready: (http:\/\/[^\s,]+)[\s,]/,
    timeoutMs: START_LIMIT_MS,
  })
}

/** A server that somebody else started and will end: its memory is not ours to read. */
export function runningServer(url: string, sizes: Sizes): Target {
  return {
    name: 'selvedge',
    title: new URL(url).host,
    sizes,
    start: async () => ({ url, pids: [], stop: async () => undefined }),
  }
}
