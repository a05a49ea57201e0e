/** Fault hooks: places where a test may make this process fail. Set only by the routes that exist in tests alone. */

const planned = new Map<string, number>()

/** Lets the next `count` passes through the place `name` fail. */
export function setFault(name: string, count: number): void {
  if (count > 0) planned.set(name, count)
  else planned.delete(name)
}

/** Whether any place shall fail: nowhere but in tests. */
export function faultsPlanned(): boolean {
  return planned.size > 0
}

/** Whether the place `name` shall fail now; uses up one of its planned failures. */
export function takeFault(name: string): boolean {
  if (!faultsPlanned()) return false
  const left = planned.get(name)
  if (left === undefined) return false
  setFault(name, left - 1)
  return true
}
