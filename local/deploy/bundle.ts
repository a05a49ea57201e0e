/** The Workers as wrangler bundles them, without uploading anything: that they build, and how large they are. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Configuration } from './configuration.ts'
import { wrangler } from './wrangler.ts'

/** Of a Worker of the Paid plan, compressed. */
const LARGEST = 10 * 1024 * 1024

export interface Bundled {
  missing: string[]
  notes: string[]
}

/** Bundles both Workers. */
export async function bundleBoth({
  worker,
  path,
  thumbnails,
  thumbnailsPath,
}: Configuration): Promise<Bundled> {
  const both = await Promise.all([bundleOne(thumbnails.name, thumbnailsPath), bundleOne(worker.name, path)])
  return { missing: both.flatMap(({ missing }) => missing), notes: both.flatMap(({ notes }) => notes) }
}

async function bundleOne(name: string, config: string): Promise<Bundled> {
  const folder = mkdtempSync(join(tmpdir(), 'selvedge-bundle-'))
  try {
    const { code, said } = await wrangler(['deploy', '--dry-run', '--outdir', folder, '-c', config])
    if (code !== 0) {
      const why = said.trim().split('\n').slice(-12).join(' ')
      return { missing: [`${name} cannot be bundled: ${why}`], notes: [] }
    }
    const size = compressedSize(folder)
    const note = `${name}: ${Math.ceil(size / 1024)} KiB compressed, of ${LARGEST / 1024} KiB that a Worker may have`
    const tooLarge = `${name} is too large: ${size} bytes compressed, ${LARGEST} at most`
    return { missing: size > LARGEST ? [tooLarge] : [], notes: [note] }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function compressedSize(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && !entry.name.endsWith('.map') && entry.name !== 'README.md',
  )
  return files.reduce(
    (sum, { parentPath, name }) => sum + gzipSync(readFileSync(join(parentPath, name))).byteLength,
    0,
  )
}
