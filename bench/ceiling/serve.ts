/** Serves the ceiling's Worker by Miniflare's direct socket, as the launcher serves the product. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { Miniflare } from 'miniflare'

const directory = mkdtempSync(join(tmpdir(), 'selvedge-ceiling-'))
const bundle = join(directory, 'worker.mjs')

await build({
  entryPoints: [join(import.meta.dirname, 'worker.ts')],
  outfile: bundle,
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  target: 'es2024',
  external: ['node:*', 'cloudflare:*'],
  logLevel: 'error',
})

const miniflare = new Miniflare({
  cf: false,
  logRequests: false,
  defaultPersistRoot: join(directory, 'state'),
  workers: [
    {
      name: 'ceiling',
      modules: [{ type: 'ESModule', path: bundle }],
      modulesRoot: directory,
      compatibilityDate: '2026-07-01',
      compatibilityFlags: ['nodejs_compat'],
      durableObjects: { CEILING: { className: 'Ceiling', useSQLite: true } },
      unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
    },
  ],
})
await miniflare.ready

// Miniflare's own handlers exit at once and leave the folder behind.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.removeAllListeners(signal)
  process.once(signal, async () => {
    await miniflare.dispose()
    rmSync(directory, { recursive: true, force: true })
    process.exit(0)
  })
}

const url = await miniflare.unsafeGetDirectURL('ceiling')
console.log(`Ready: ${url.origin}`)
