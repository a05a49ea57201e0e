/** Serves the page of `page/`, bundled for a browser, on a free port of loopback. */
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { build, stop } from 'esbuild'
import { projectRoot } from '../../local/paths.ts'

export interface PageServer {
  url: string
  close(): void
}

const page = join(projectRoot, 'test/clients/page')
/** Where the bundle looks for its WebAssembly: beside itself, as in the package it comes from. */
const wasm = '/pkg/matrix_sdk_crypto_wasm_bg.wasm'

export async function servePage(): Promise<PageServer> {
  const files = new Map([
    ['/', { type: 'text/html; charset=utf-8', body: await readFile(join(page, 'index.html')) }],
    ['/main.js', { type: 'text/javascript', body: await bundle() }],
    [
      wasm,
      {
        type: 'application/wasm',
        body: await readFile(join(projectRoot, 'node_modules/@matrix-org/matrix-sdk-crypto-wasm', wasm)),
      },
    ],
  ])
  const server = createServer(({ url }, answer) => {
    const file = files.get(new URL(url ?? '/', 'http://page').pathname)
    answer.writeHead(file === undefined ? 404 : 200, { 'content-type': file?.type ?? 'text/plain' })
    answer.end(file?.body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, close: () => close(server) }
}

function close(server: Server): void {
  server.close()
  server.closeAllConnections()
}

async function bundle(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [join(page, 'main.ts')],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2024',
    define: { global: 'globalThis' },
    logLevel: 'silent',
  })
  await stop()
  return outputFiles[0]!.contents
}
