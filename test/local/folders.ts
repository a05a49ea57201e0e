/** Folders of a file of tests, which go with it. */
import { mkdtempSync, rmSync } from 'node:fs'

export interface Folders {
  make(): string
  /** @param before what ends that works in a folder, if anything does */
  remove(before?: (folder: string) => Promise<unknown>): Promise<void>
}

/** @param prefix the path with the beginning of their names */
export function temporaryFolders(prefix: string): Folders {
  const made: string[] = []
  return {
    make() {
      const folder = mkdtempSync(prefix)
      made.push(folder)
      return folder
    },
    async remove(before) {
      for (const folder of made.splice(0)) {
        await before?.(folder)
        rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
      }
    },
  }
}
