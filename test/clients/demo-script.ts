/** Bundles the demo's script as `workers/pages/demo-script.ts` holds it. */
import { join } from 'node:path'
import { build, stop } from 'esbuild'
import { projectRoot } from '../../local/paths.ts'

/** The text of the file. */
export async function demoScriptFile(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(projectRoot, 'clients/demo/main.ts')],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    charset: 'ascii',
    logLevel: 'silent',
  })
  await stop()
  const script = outputFiles[0]!.text
    .trim()
    .replaceAll('\\', '\\\\')
    .replaceAll('`', '\\`')
    .replaceAll('${', '\\${')
  return `/** The script of the demo page, made of clients/demo: \`npm test -- test/clients/demo-script --update\` makes it anew. */
export const DEMO_SCRIPT = \`${script}\`
`
}
