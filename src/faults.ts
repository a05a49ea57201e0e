/** Fault hooks: places where a test may make this process fail. Set only by the routes that exist in tests alone. */

const planned = new Map<string, number>()

/** Lets the next `count` passes through the place `name` fail. */
export function setFault(name: string, count: number): void {
  if (count > 0) planned.set(name, count)
  else planned.delete(name)
}

/** Calls and answers that are held at a place until a test plans no more holds there. */
const held = new Map<string, number>()

/** Lets go what is held at the place `name`. */
export function release(name: string): void {
  held.delete(name)
}

/** Holds its caller at the place `name` until a test lets it go. */
export async function hold(name: string, wait: () => Promise<void>): Promise<void> {
  held.set(name, (held.get(name) ?? 0) + 1)
  while (held.has(name)) await wait()
}

/** Whether any call or answer is held now. */
export function holdsAnswers(): boolean {
  return held.size > 0
}

/** What is planned still, and how many answers are held, by place. */
export function faultsNow(): { planned: Record<string, number>; held: Record<string, number> } {
  return { planned: Object.fromEntries(planned), held: Object.fromEntries(held) }
}

/** Whether any place is to fail: never outside of tests. */
export function faultsPlanned(): boolean {
  return planned.size > 0
}

/** Whether the place `name` is to fail now; uses up one of its planned failures. */
export function takeFault(name: string): boolean {
  if (!faultsPlanned()) return false
  const left = planned.get(name)
  if (left === undefined) return false
  setFault(name, left - 1)
  return true
}
