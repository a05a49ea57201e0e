/** The ceiling and the client's floor, measured by the same client and in the same way as the sends. */

import { join } from 'node:path'
import { startChild } from '../child.ts'
import { call, uniqueMarker } from '../client.ts'
import { HttpClient } from '../http.ts'
import { afterRest, percentiles, sampleRounds, throughput, timed } from '../measure.ts'
import type { Row, Server, Target } from '../target.ts'

const START_LIMIT_MS = 30_000

/** A Worker and one object that do the least a send can be. */
export const ceiling: Target = {
  name: 'ceiling',
  title: 'ceiling of the runtime',
  sizes: { members: 0, awake: 0, events: 0, rooms: 0, crowd: 0, forked: 0 },
  start: () => startScript('serve.ts'),
}

export const CEILING_ROWS: readonly Row[] = [
  {
    name: 'floor',
    description: 'requests a second against a server that answers fixed bytes',
    async run({ timing, record }) {
      const floor = await startScript('floor.ts')
      const http = new HttpClient(floor.url)
      try {
        record('client.one', await throughput(timing, 1, () => put(http)))
        record('client.eight', await throughput(timing, 8, () => put(http)))
      } finally {
        http.close()
        await floor.stop()
      }
    },
  },
  {
    name: 'ceiling',
    description: 'JSON, SHA-256, one ed25519 signature and one insert in one object behind one Worker',
    async run({ http, timing, record }) {
      record('send.one', await throughput(timing, 1, () => put(http)))
      record('send.eight', await throughput(timing, 8, () => put(http)))
      const rounds = await sampleRounds(timing, async () => ({ time: await timed(() => put(http)) }))
      record('send.p50', percentiles(rounds, 'time', 50))
      record('send.p99', percentiles(rounds, 'time', 99))
      const rested = await sampleRounds(timing, () => afterRest(() => put(http)))
      record('send.rested', percentiles(rested, 'time', 50))
    },
  },
]

/** The same bytes that a real send carries. */
function put(http: HttpClient): Promise<unknown> {
  const marker = uniqueMarker()
  const path = `/_matrix/client/v3/rooms/!room/send/m.room.message/${marker}`
  return call(http, 'PUT', path, 'token', { msgtype: 'm.text', body: marker })
}

async function startScript(name: string): Promise<Server> {
  const child = await startChild({
    command: process.execPath,
    args: [join(import.meta.dirname, name)],
    ready: /Ready: (http:\/\/\S+)\s/,
    timeoutMs: START_LIMIT_MS,
  })
  return { url: child.ready, pids: [child.pid], stop: () => child.stop() }
}
