/** Memory of the server's whole process tree: before anybody came, and after all other rows. */

import { pause } from '../measure.ts'
import { settledMemoryMb, treeMemoryMb } from '../process-tree.ts'
import type { Row, RowContext } from '../target.ts'

const BETWEEN_MS = 500

export const restRow: Row = {
  name: 'rest',
  description: 'proportional set size (Pss) of launcher, runtime and databases, once it has stopped moving',
  run: (context) => recordMemory(context, 'memory.rest'),
}

export const endRow: Row = {
  name: 'end',
  description: 'the same after every other row',
  run: (context) => recordMemory(context, 'memory.end'),
}

async function recordMemory({ server, timing, record }: RowContext, figure: 'memory.rest' | 'memory.end') {
  if ((await settledMemoryMb(server.pids)) === undefined) return
  const samples: number[] = []
  while (samples.length < timing.rounds) {
    const memory = treeMemoryMb(server.pids)
    if (memory === undefined) return
    samples.push(memory)
    await pause(BETWEEN_MS)
  }
  record(figure, samples)
}
