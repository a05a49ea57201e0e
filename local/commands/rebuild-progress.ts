/** How far `npm run rebuild:all` has come, in a file: the same command goes on from there. */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import * as z from 'zod'
import { StartError } from '../start-error.ts'

const Progress = z.object({
  server_name: z.string(),
  begun_at: z.iso.datetime(),
  /** Everything up to these ids is done; absent where nothing is, null where all is. */
  users: z.string().nullable().optional(),
  rooms: z.string().nullable().optional(),
  /** What could not be rebuilt, and is tried once more. */
  failed: z.array(z.string()),
})

export type Progress = z.infer<typeof Progress>

/** An interruption is gone on from within this time, ms: later it may have been another disaster. */
const STALE_MS = 24 * 3_600_000

export interface ProgressFile {
  progress: Progress
  /** Whether an earlier run is gone on with. */
  isResumed: boolean
  save(): void
  /** All is done, so that the next run begins anew. */
  remove(): void
}

/** @throws StartError for the progress of another server, or of long ago */
export function openProgress(file: string, serverName: string, anew: boolean): ProgressFile {
  const isResumed = !anew && existsSync(file)
  const progress: Progress = isResumed
    ? read(file, serverName)
    : { server_name: serverName, begun_at: new Date().toISOString(), failed: [] }
  return {
    progress,
    isResumed,
    save() {
      writeFileSync(`${file}.new`, `${JSON.stringify(progress, null, 1)}\n`)
      renameSync(`${file}.new`, file)
    },
    remove: () => rmSync(file, { force: true }),
  }
}

function read(file: string, serverName: string): Progress {
  const found = Progress.safeParse(parsed(readFileSync(file, 'utf8')))
  if (!found.success) throw new StartError(`${file} cannot be read: delete it, or begin with --anew`)
  const { server_name: named, begun_at: begun } = found.data
  if (named !== serverName)
    throw new StartError(`${file} is of the server ${named}: name another by --progress`)
  if (Date.now() - Date.parse(begun) > STALE_MS) {
    throw new StartError(
      `${file} is of a rebuild that began at ${begun}: begin with --anew, or delete the file, if that was another one`,
    )
  }
  return found.data
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
