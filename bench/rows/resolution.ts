/** A fork of a large room, resolved in the bench's own process: the rules alone, without storage. */
import { resolveState } from '../../src/protocol/state-resolution/resolve.ts'
import { forkedRoom } from '../forked-room.ts'
import { percentiles, sampleRounds, timed } from '../measure.ts'
import type { Row } from '../target.ts'

/** Where every state resolution starts from an empty state and replays the conflicted subgraph. */
const VERSION = '12'

export const resolutionRow: Row = {
  name: 'resolution',
  description: 'two branches of 50 state events each, which change the power levels and the same members',
  only: 'selvedge',
  async run({ sizes, timing, record }) {
    const { rules, sides, source } = forkedRoom(VERSION, sizes.forked)
    const rounds = await sampleRounds(timing, async () => ({
      time: await timed(async () => resolveState(rules, sides, source)),
    }))
    record('resolution.fork', percentiles(rounds, 'time', 50))
  },
}
