/** Before the tests of a store: starts its server, once for all files. */
import type { TestProject } from 'vitest/node'
import { startKubo, startS3 } from '../support/media/store-servers.ts'

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server =
    project.name === 's3'
      ? await startS3().then((s3) => ({ ...s3, provided: { s3: s3.settings } }))
      : await startKubo().then((ipfs) => ({ ...ipfs, provided: { ipfs: ipfs.settings } }))
  project.provide('stores', server.provided)
  return server.stop
}
