/** What a backup says of itself: which server, when, and every file with its hash. It is written last. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import * as z from 'zod'
import { inTurns } from '../../src/worker-pool.ts'
import { codeOf, StartError } from '../start-error.ts'
import { Elsewhere } from './media.ts'
import { entriesOf } from './tree-copy.ts'

export const MANIFEST = 'manifest.json'
/** Below it a backup has what stood in the data folder. */
export const DATA = 'data'
/** Below it the rows of a Postgres beside the data folder, a file a table. */
export const ROWS = 'rows'

const AT_ONCE = 4

const isInside = (path: string) =>
  path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
const Path = z.string().min(1).max(4096).refine(isInside, 'leads out of the backup')

const Manifest = z.object({
  format: z.literal(1),
  made_at: z.iso.datetime(),
  server_name: z.string(),
  instance_id: z.string(),
  /** The tables of a Postgres beside the folder, with what their rows come to; absent for the embedded one. */
  tables: z
    .array(z.object({ name: z.string().regex(/^[a-z_][a-z0-9_]*$/), rows: z.int().min(0), hash: z.string() }))
    .optional(),
  /** The migrations that these tables have had. */
  migrations: z.array(z.string()).optional(),
  /** Stores of media that have backups of their own. */
  media_elsewhere: z.array(Elsewhere).optional(),
  folders: z.array(Path),
  files: z.array(z.object({ path: Path, bytes: z.int().min(0), sha256: z.string().regex(/^[0-9a-f]{64}$/) })),
})

export type Manifest = z.infer<typeof Manifest>

/** Hashes all that lies in `root`, and writes the manifest beside it. */
export async function writeManifest(
  root: string,
  facts: Omit<Manifest, 'format' | 'files' | 'folders'>,
): Promise<Manifest> {
  const { files: paths, folders } = await entriesOf(root)
  const files: Manifest['files'] = []
  await inTurns([...paths], AT_ONCE, async (path) => {
    files.push({ path, ...(await hashOf(join(root, path))) })
  })
  files.sort((a, b) => (a.path < b.path ? -1 : 1))
  const manifest: Manifest = { format: 1, ...facts, folders: folders.sort(), files }
  await writeFile(join(root, MANIFEST), `${JSON.stringify(manifest, null, 1)}\n`)
  return manifest
}

/** @throws StartError where there is no manifest, or none that this version reads */
export async function readManifest(root: string): Promise<Manifest> {
  const text = await readFile(join(root, MANIFEST), 'utf8').catch((error) => {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw error
    throw new StartError(`this is no backup, or one that was not finished: it has no ${MANIFEST}`)
  })
  const manifest = Manifest.safeParse(parsed(text))
  if (manifest.success) return manifest.data
  const { path, message } = manifest.error.issues[0]!
  throw new StartError(`the backup's ${MANIFEST} cannot be read: ${path.join('.')} ${message}`)
}

/** Compares every file with its hash. @throws StartError naming the first that is not as it was written */
export async function verify(root: string, { files, folders }: Manifest): Promise<void> {
  const found = await entriesOf(root)
  const known = new Set([MANIFEST, ...files.map(({ path }) => path)])
  const stray = [...surplus(found.files, known), ...surplus(found.folders, new Set(folders)), ...found.others]
  if (stray.length > 0)
    throw new StartError(`the backup holds ${stray[0]}, of which its manifest knows nothing`)
  await inTurns([...files], AT_ONCE, async ({ path, bytes, sha256 }) => {
    const file = join(root, path)
    const isFile = await lstat(file).then(
      (entry) => entry.isFile(),
      () => false,
    )
    if (!isFile) throw new StartError(`the backup is damaged: ${path} is missing`)
    const is = await hashOf(file)
    if (is.bytes === bytes && is.sha256 === sha256) return
    throw new StartError(`the backup is damaged: ${path} is not as it was written`)
  })
}

const surplus = (found: readonly string[], known: ReadonlySet<string>) =>
  found.filter((path) => !known.has(path))

async function hashOf(file: string): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256')
  let bytes = 0
  await pipeline(createReadStream(file), async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      bytes += chunk.length
      hash.update(chunk)
    }
  })
  return { bytes, sha256: hash.digest('hex') }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
