/** How long timers keep objects from sleeping, which is billed by the second. It is counted in tests, where timers go through here. */
import { runningObject } from './limiter.ts'
import { systemClock, systemTimers } from './system.ts'

/** The pending timers of each object, and when they ring, ms. */
const pending = new Map<string, Map<unknown, number>>()

/**
 * From now on each timer that an object sets is counted by its whole time, where no other one keeps the object awake
 * anyway; one that is cleared early gives the rest back. The clock of the machine, which may be slow, has no part in it
 * but for that.
 */
export function countHeldObjects(count: (name: string, ms: number) => void): void {
  const { setTimeout: set, clearTimeout: clear } = systemTimers
  const { now } = systemClock
  const until = (timers: Map<unknown, number>, at: number) => Math.max(at, ...timers.values())
  const change = (name: string, work: (timers: Map<unknown, number>) => void) => {
    const timers = pending.get(name) ?? new Map<unknown, number>()
    pending.set(name, timers)
    const at = now()
    const before = until(timers, at)
    work(timers)
    const kind = name.split('/')[1]
    const longer = until(timers, at) - before
    if (longer !== 0) count(`held.${kind}_ms`, longer)
  }
  const counted = (work: (...args: unknown[]) => void, ms = 0, ...args: unknown[]): unknown => {
    const name = runningObject()
    if (name === undefined || ms <= 0) return set(work, ms, ...args)
    const id: unknown = set(() => {
      pending.get(name)?.delete(id)
      work(...args)
    }, ms)
    change(name, (timers) => timers.set(id, now() + ms))
    return id
  }
  const cleared = (id: unknown): void => {
    for (const [name, timers] of pending) {
      if (timers.has(id)) change(name, () => timers.delete(id))
    }
    clear(id as number)
  }
  Object.assign(systemTimers, { setTimeout: counted, clearTimeout: cleared })
}

/** How many timers of objects have not rung. */
export function pendingTimers(): number {
  return [...pending.values()].reduce((total, timers) => total + timers.size, 0)
}
