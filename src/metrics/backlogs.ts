/** What objects of this isolate have still to deliver after their commits, by the consumer that delivers it. */
import type { Backlog, Backlogs, Following, Metrics, ObjectName } from '../ports/metrics.ts'
import type { Clock } from '../ports/system.ts'

/** Of a consumer; those that have waited longest. More than these are not told apart from these. */
const MOST_OBJECTS = 10_000

interface Given {
  /** Since when the object has had something left, ms. */
  since: number
  /** When it was given the last of it, ms. */
  latest: number
}

interface Waiting {
  object: ObjectName
  consumer: string
  /** By the object's id. The oldest come first. */
  objects: Map<string, Given>
}

export function watchBacklogs(metrics: Metrics, clock: Clock): Backlogs {
  const byName = new Map<string, Waiting>()
  const waitingFor = (object: ObjectName, consumer: string): Waiting => {
    const name = `${object} ${consumer}`
    const known = byName.get(name) ?? { object, consumer, objects: new Map() }
    byName.set(name, known)
    return known
  }
  return {
    of(object, id, consumers): Following {
      const given = (consumer: string): void => {
        if (!consumers.has(consumer)) return
        const { objects } = waitingFor(object, consumer)
        const now = clock.now()
        const known = objects.get(id)
        if (known !== undefined) known.latest = now
        else if (objects.size < MOST_OBJECTS) objects.set(id, { since: now, latest: now })
      }
      const settle = (consumer: string, startedAt: number): void => {
        const { objects } = waitingFor(object, consumer)
        const known = objects.get(id)
        if (known === undefined) return
        metrics.observe('consumer_lag_seconds', { object, consumer }, (clock.now() - known.since) / 1000)
        objects.delete(id)
        // What came while it ran goes with the next run.
        if (known.latest > startedAt) objects.set(id, { since: known.latest, latest: known.latest })
      }
      return {
        given,
        ran(consumer, outcome, startedAt) {
          if (!consumers.has(consumer)) return
          metrics.count('consumer_runs_total', { object, consumer, outcome })
          if (outcome === 'done') settle(consumer, startedAt)
          // An incarnation that finds work of the one before it was given none itself.
          else if (!waitingFor(object, consumer).objects.has(id)) given(consumer)
        },
      }
    },
    all(): Backlog[] {
      const now = clock.now()
      return [...byName.values()].map(({ object, consumer, objects }) => {
        const [oldest] = objects.values()
        return { object, consumer, behind: objects.size, oldestMs: Math.max(0, now - (oldest?.since ?? now)) }
      })
    },
  }
}
