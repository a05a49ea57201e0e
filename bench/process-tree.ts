/** Memory and processor time of whole process trees from /proc: shared pages are counted once (Pss). */

import { readdirSync, readFileSync } from 'node:fs'
import { pause } from './measure.ts'

const SETTLE_STEP_MS = 5_000
const SETTLE_LIMIT_MS = 60_000
/** A change of less than this share in one step counts as none. */
const STILL = 0.01
/** In which Linux tells processor time, whatever its own clock. */
const TICK_MS = 10
const NS_PER_MS = 1e6

/** Pss in MB of these processes and all their descendants, or undefined where /proc does not tell. */
export function treeMemoryMb(roots: readonly number[]): number | undefined {
  const kilobytes = sumOf(roots, proportionalKilobytes)
  return kilobytes === 0 ? undefined : kilobytes / 1024
}

/** Processor time in ms that these processes and all their descendants have taken, or undefined where /proc does not tell. */
export function treeProcessorMs(roots: readonly number[]): number | undefined {
  const taken = sumOf(roots, processorMs)
  return taken === 0 ? undefined : taken
}

function sumOf(roots: readonly number[], measure: (pid: number) => number): number {
  if (roots.length === 0) return 0
  const children = childrenByParent()
  const seen = new Set<number>()
  const queue = [...roots]
  let sum = 0
  for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
    if (seen.has(pid)) continue
    seen.add(pid)
    sum += measure(pid)
    queue.push(...(children.get(pid) ?? []))
  }
  return sum
}

/** The trees' memory once it has stopped moving: a start leaves garbage that is collected some seconds later. */
export async function settledMemoryMb(roots: readonly number[]): Promise<number | undefined> {
  const deadline = performance.now() + SETTLE_LIMIT_MS
  let previous = treeMemoryMb(roots)
  while (previous !== undefined && performance.now() < deadline) {
    await pause(SETTLE_STEP_MS)
    const current = treeMemoryMb(roots)
    if (current === undefined || Math.abs(current - previous) < previous * STILL) return current
    previous = current
  }
  return previous
}

function childrenByParent(): Map<number, number[]> {
  const children = new Map<number, number[]>()
  for (const name of readProcDirectory()) {
    const parent = /^PPid:\s+(\d+)/m.exec(readOrEmpty(`/proc/${name}/status`))?.[1]
    if (parent === undefined) continue
    const list = children.get(Number(parent)) ?? []
    list.push(Number(name))
    children.set(Number(parent), list)
  }
  return children
}

function readProcDirectory(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  } catch {
    return []
  }
}

function proportionalKilobytes(pid: number): number {
  return Number(/^Pss:\s+(\d+) kB/m.exec(readOrEmpty(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0)
}

/** What the scheduler has counted of each thread (ns): the clock's ticks are too coarse for a short block of work. */
function processorMs(pid: number): number {
  const counted = threadsOf(pid).map((thread) => readOrEmpty(`/proc/${pid}/task/${thread}/schedstat`))
  const known = counted.filter((text) => text !== '')
  if (known.length === 0) return processorTicks(pid) * TICK_MS
  return known.reduce((sum, text) => sum + Number(text.split(' ')[0]), 0) / NS_PER_MS
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
}

/** Time in user and kernel mode: the 14th and 15th field, of which the name, the 2nd, may hold spaces. */
function processorTicks(pid: number): number {
  const fields = readOrEmpty(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? []
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0)
}

/** A process may end between listing and reading: it then counts nothing. */
function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
