/** Where things stand in the checkout. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const projectRoot = fileURLToPath(new URL('..', import.meta.url))
export const migrationsFolder = join(projectRoot, 'migrations')
export const workerEntry = join(projectRoot, 'workers', 'index.ts')
export const thumbnailsEntry = join(projectRoot, 'workers', 'thumbnails', 'index.ts')
