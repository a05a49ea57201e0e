/** Bundles the scripts of pages as files of `workers/pages` hold them: bundlers of Workers read no second entry. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { build, stop } from 'esbuild'
import { projectRoot } from '../../local/paths.ts'

/** The text of `workers/pages/demo-script.ts`. */
export async function demoScriptFile(): Promise<string> {
  const script = asTemplate(await bundled('clients/demo/main.ts'))
  return `/** The script of the demo page, made of clients/demo: \`npm test -- test/clients/demo-script --update\` makes it anew. */
export const DEMO_SCRIPT = \`${script}\`
`
}

/** The text of `workers/pages/status/script.ts`. */
export async function statusScriptFile(): Promise<string> {
  const script = asTemplate(await bundled('clients/status/main.ts'))
  const style = readFileSync(createRequire(import.meta.url).resolve('uplot/dist/uPlot.min.css'), 'utf8')
  return `/** The script and the charts' style of the status pages, made of clients/status: \`npm test -- test/clients/demo-script --update\` makes it anew. */
export const STATUS_SCRIPT = \`${script}\`
export const UPLOT_STYLE = \`${asTemplate(style)}\`
`
}

async function bundled(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(projectRoot, entry)],
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
  return outputFiles[0]!.text
}

/** A text as it stands within a template of JavaScript. */
function asTemplate(text: string): string {
  return text.trim().replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${')
}
