/** Synapse's state resolution, from PyPI, in a process that answers room by room. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { synapsePython } from '../support/federation/synapse-python.ts'
import type { History } from '../support/resolution/random-history.ts'

const script = fileURLToPath(new URL('./synapse_resolve.py', import.meta.url))

export interface Reference {
  /** For each fork of the room, the ids of the resolved state, sorted. */
  resolve(history: History): Promise<string[][]>
  stop(): void
}

export function startReference(): Reference {
  const child: ChildProcess = spawn(synapsePython(), [script], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  return {
    async resolve(history) {
      child.stdin!.write(`${JSON.stringify(roomOf(history))}\n`)
      const answer = await lines.next()
      if (answer.done === true) throw new Error(`Synapse ended at seed ${history.seed}`)
      return JSON.parse(answer.value) as string[][]
    },
    stop: () => child.stdin!.end(),
  }
}

function roomOf({ dag, forks }: History): object {
  return {
    version: dag.rules.version,
    room_id: dag.roomId,
    events: [...dag.events.values()].map(({ eventId, pdu, rejected }) => ({
      id: eventId,
      pdu,
      rejected: rejected === true,
    })),
    forks: forks.map(({ states }) => states.map((state) => [...state.values()])),
  }
}
