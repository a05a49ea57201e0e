/** The stores of media of one machine: their settings for the Worker, and whether they are there, asked before anything is served. */
import * as z from 'zod'
import type { Options } from './options/options.ts'
import { askWorker, type WorkerLine } from './runtime/tell-worker.ts'
import { StartError } from './start-error.ts'

/** The Worker's own time limits are shorter. */
const PATIENCE_MS = 120_000

const Answer = z.object({ problem: z.string().optional() })

export function storeBindings(options: Options): Record<string, string> {
  return {
    MEDIA_STORE: options['media-store'],
    S3_ENDPOINT: options['s3-endpoint'] ?? '',
    S3_BUCKET: options['s3-bucket'] ?? '',
    S3_REGION: options['s3-region'],
    S3_ACCESS_KEY_ID: options['s3-access-key-id'] ?? '',
    S3_SECRET_ACCESS_KEY: options['s3-secret-access-key'] ?? '',
    S3_PATH_STYLE: options['s3-path-style'],
    IPFS_API: options['ipfs-api'] ?? '',
    IPFS_API_SECRET: options['ipfs-api-secret'] ?? '',
  }
}

/** The stores that are somewhere else, and may not be there. */
export function storesToCheck(options: Options): string[] {
  const stores: string[] = []
  if (options['s3-endpoint'] !== undefined) stores.push('s3')
  if (options['ipfs-api'] !== undefined) stores.push('ipfs')
  return stores
}

/** Asks each of the stores through the Worker, which is who uses them. @throws StartError */
export async function checkMediaStores(line: WorkerLine, stores: string[]): Promise<void> {
  for (const store of stores) {
    const answer = Answer.safeParse(await askWorker(line, 'media-store', { store }, PATIENCE_MS))
    if (!answer.success)
      throw new StartError('the Worker does not answer whether the store of media is there')
    if (answer.data.problem !== undefined) throw new StartError(answer.data.problem)
  }
}
