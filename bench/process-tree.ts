/** Memory of whole process trees from /proc: shared pages are counted once (Pss). */

import { readdirSync, readFileSync } from 'node:fs'

/** Pss in MB of these processes and all their descendants, or undefined where /proc does not tell. */
export function treeMemoryMb(roots: readonly number[]): number | undefined {
  const children = childrenByParent()
  const seen = new Set<number>()
  const queue = [...roots]
  let kilobytes = 0
  for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
    if (seen.has(pid)) continue
    seen.add(pid)
    kilobytes += proportionalKilobytes(pid)
    queue.push(...(children.get(pid) ?? []))
  }
  return kilobytes === 0 ? undefined : kilobytes / 1024
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

/** A process may end between listing and reading: it then counts nothing. */
function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
