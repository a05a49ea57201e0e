/** A start with an S3: what is wrong with its settings is said in one sentence, and nothing is served. */
import { expect, inject, it } from 'vitest'
import { freshS3, type StoreOptions } from '../../support/media/stores.ts'
import { freePort } from '../../support/real-servers.ts'
import { startServer } from '../../support/server.ts'

const endpoint = () => inject('stores').s3!.endpoint

async function failure(wrong: StoreOptions): Promise<string> {
  const options = { ...(await freshS3()), 'media-store': 's3', ...wrong } as const
  const server = await startServer(options).catch((error: Error) => error)
  if (server instanceof Error) return server.message
  await server.stop()
  return 'it started'
}

it('names a bucket that is not there', async () => {
  expect(await failure({ 's3-bucket': 'another' })).toBe(
    `the S3 at ${endpoint()} has no bucket another: make it, or name another by --s3-bucket`,
  )
})

it('says that the secret is another', async () => {
  expect(await failure({ 's3-secret-access-key': 'wrong' })).toBe(
    `the S3 at ${endpoint()} does not take the signature: --s3-secret-access-key is not that of --s3-access-key-id, or --s3-region is another`,
  )
})

it('says that the key is not known', async () => {
  expect(await failure({ 's3-access-key-id': 'nobody' })).toBe(
    `the S3 at ${endpoint()} does not know the key of --s3-access-key-id`,
  )
})

it('says that nobody is there', async () => {
  const url = `http://127.0.0.1:${await freePort()}`
  expect(await failure({ 's3-endpoint': url })).toMatch(
    new RegExp(`^no S3 answers at ${url} \\(\\w+\\): is it running\\? --s3-endpoint names another$`),
  )
})

it('asks also an S3 that is only read', async () => {
  expect(await failure({ 'media-store': 'r2', 's3-bucket': 'another' })).toContain('has no bucket another')
})
