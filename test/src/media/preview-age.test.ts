/** How long a preview is kept. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { projectRoot } from '../../../local/paths.ts'

/** By a path that the compiler does not follow: the Workers' types are not Node's. */
const { previewOf } = (await import(join(projectRoot, 'src', 'media', 'preview.ts'))) as {
  previewOf(ports: object, url: string, userId: string): Promise<object>
}

it('a preview is kept for an hour, and a failure for a minute', async () => {
  const kept: Record<string, number> = {}
  const put = async (url: string, _: unknown, seconds: number) => {
    kept[url] = seconds
  }
  const ports = {
    config: { allowPrivateNetworks: true },
    log: { warn: () => undefined },
    previews: { find: async () => undefined, put },
    web: { get: async (url: string) => new Response('', { status: url.endsWith('/up') ? 200 : 500 }) },
  }
  const preview = (url: string) => previewOf(ports, url, '@alice:test.example')
  expect(await preview('http://site.example/up')).toEqual({})
  await expect(preview('http://site.example/down')).rejects.toThrow()
  expect(kept).toEqual({ 'http://site.example/up': 3_600, 'http://site.example/down': 60 })
})
