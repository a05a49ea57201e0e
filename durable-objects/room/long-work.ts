/** The parts of a Room that run over several turns: delayed events, upgrades, rebuilds, erasures. */
import type { Consumer } from '../consumer.ts'
import type { Changed } from './context.ts'
import type { RoomHost, RoomJob } from './host.ts'
import { nextDue } from './rows/events/delayed-store.ts'
import { isErasing } from './rows/members/erasures.ts'
import { DestinationTeller } from './tell/destinations.ts'
import { PushTeller } from './tell/push-teller.ts'
import { Delayed } from './write/delayed.ts'
import { pruneErased } from './write/erasure.ts'
import { Rebuild, type RebuildParts } from './write/rebuild/rebuild.ts'
import { Received } from './write/receive/received.ts'
import { Upgrades } from './write/upgrades.ts'

export class LongWork {
  readonly delayed: Delayed
  readonly upgrades: Upgrades
  readonly rebuild: Rebuild
  readonly received: Received
  readonly pushes: PushTeller
  /** Undefined where there is no federation: then no other server is looked for. */
  readonly destinations: DestinationTeller | undefined
  /** What of it the alarm has to finish. */
  readonly jobs: readonly Consumer<RoomJob, Changed>[]

  constructor(parts: RoomHost & RebuildParts & { federates: boolean }) {
    const { store } = parts.room
    this.delayed = new Delayed(parts)
    this.upgrades = new Upgrades(parts)
    this.rebuild = new Rebuild(parts)
    this.received = new Received(parts)
    this.pushes = new PushTeller(parts)
    this.destinations = parts.federates ? destinationsOf(parts) : undefined
    this.jobs = [
      { name: 'rebuild', run: () => this.rebuild.resume(), isLeft: () => store.isRebuilding },
      { name: 'delayed', run: () => this.delayed.sendDue(), isLeft: () => nextDue(store.sql) !== undefined },
      { name: 'upgrade', run: () => this.upgrades.resume(), isLeft: () => this.upgrades.isUnfinished() },
      { name: 'staged', run: () => this.received.resume(), isLeft: () => this.received.isLeft() },
      {
        name: 'erase',
        follows: ({ logged }) => logged,
        run: () => pruneBatch(parts),
        isLeft: () => isErasing(store.sql),
      },
    ]
  }

  /** The tables were made again. */
  reset(): void {
    this.pushes.reset()
    this.destinations?.reset()
  }
}

function destinationsOf({ objects, room }: RoomHost): DestinationTeller {
  return new DestinationTeller({
    store: room.store,
    serverName: room.serverName,
    mark: (serverName, mark) => objects.destination(serverName).mark(mark),
    markMany: (marks) => objects.markMany(marks),
    now: () => room.clock.now(),
  })
}

/** One batch an alarm, so that a long history holds up nobody. */
async function pruneBatch({ mutate, room }: RoomHost): Promise<number | undefined> {
  if (room.store.isRebuilding || !isErasing(room.store.sql)) return undefined
  const more = await mutate(pruneErased)
  return more ? room.clock.now() : undefined
}
