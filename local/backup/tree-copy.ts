/** Copies a folder in passes: the first takes everything, each later one only what has changed since. */
import { constants } from 'node:fs'
import { copyFile, mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { inTurns } from '../../src/worker-pool.ts'
import { codeOf } from '../start-error.ts'

const AT_ONCE = 8
/** A file that was written so shortly before it was copied may change once more within its time's own grain. */
const UNSETTLED_NS = 2_000_000_000n

interface Stamp {
  changed: bigint
  size: bigint
  inode: bigint
  settled: boolean
}

export interface Pass {
  files: number
  bytes: number
}

export interface TreeCopy {
  /** Brings the copy up to date; what a pass answers is how much it has copied. */
  pass(): Promise<Pass>
}

/** @param isLeft whether a path, relative to `from`, is no part of the copy */
export function treeCopy(from: string, to: string, isLeft: (path: string) => boolean): TreeCopy {
  let before = new Map<string, Stamp>()
  return {
    async pass() {
      const now = new Map<string, Stamp>()
      const { files, folders } = await entriesOf(from, isLeft)
      await mkdir(to, { recursive: true })
      for (const folder of folders) await mkdir(join(to, folder), { recursive: true })
      const done = { files: 0, bytes: 0 }
      await inTurns(files, AT_ONCE, async (path) => {
        const stamp = await stampOf(join(from, path))
        if (stamp === undefined) return
        now.set(path, stamp)
        if (isSame(before.get(path), stamp)) return
        if (!(await copied(join(from, path), join(to, path)))) return void now.delete(path)
        done.files += 1
        done.bytes += Number(stamp.size)
      })
      for (const path of before.keys()) if (!now.has(path)) await rm(join(to, path), { force: true })
      before = now
      return done
    },
  }
}

/** What is below a folder, as paths relative to it, parents first; `others` are neither files nor folders. */
export async function entriesOf(
  root: string,
  isLeft: (path: string) => boolean = () => false,
): Promise<{ files: string[]; folders: string[]; others: string[] }> {
  const found = { files: [] as string[], folders: [] as string[], others: [] as string[] }
  const pending = ['']
  for (let folder = pending.shift(); folder !== undefined; folder = pending.shift()) {
    const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(unlessGone([]))
    for (const entry of entries) {
      const path = relative('.', join(folder, entry.name))
      if (isLeft(path)) continue
      if (entry.isDirectory()) {
        found.folders.push(path)
        pending.push(path)
      } else found[entry.isFile() ? 'files' : 'others'].push(path)
    }
  }
  return found
}

function isSame(before: Stamp | undefined, now: Stamp): boolean {
  if (before === undefined || !before.settled) return false
  return before.changed === now.changed && before.size === now.size && before.inode === now.inode
}

/** Taken before the copy, so that a change during it shows in the next pass. */
async function stampOf(path: string): Promise<Stamp | undefined> {
  const found = await stat(path, { bigint: true }).catch(unlessGone(undefined))
  if (found === undefined) return undefined
  const { mtimeNs, size, ino } = found
  const settled = BigInt(Date.now()) * 1_000_000n - mtimeNs > UNSETTLED_NS
  return { changed: mtimeNs, size, inode: ino, settled }
}

/** A file system that can share blocks copies at once. */
async function copied(from: string, to: string): Promise<boolean> {
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE)
    return true
  } catch (error) {
    return unlessGone(false)(error)
  }
}

/** What a running server removes between two looks is no part of the copy. */
function unlessGone<T>(instead: T): (error: unknown) => T {
  return (error) => {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return instead
    throw error
  }
}
