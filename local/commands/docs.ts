/** `npm run docs`: makes the manual as a folder of static pages, which any web server can serve and any browser can open. */
import { existsSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { makeSite } from '../docs/site.ts'
import { projectRoot } from '../paths.ts'
import { StartError } from '../start-error.ts'
import { runCommand } from './command.ts'
import { splitFlags } from './words.ts'

const DEFAULT_FOLDER = 'dist/manual'

await runCommand(async () => {
  const { words, flags, rest } = splitFlags(process.argv.slice(2), { out: 'string', help: 'boolean' }, [])
  if (flags.help) {
    process.stdout.write(
      `Usage: npm run docs -- [--out <folder>]\n\n  --out  Where the pages go [${DEFAULT_FOLDER}].\n`,
    )
    return
  }
  const surplus = words[0] ?? rest[0]
  if (surplus !== undefined) throw new StartError(`unexpected argument ${surplus} (see --help)`, 2)
  const folder = resolve(typeof flags.out === 'string' ? flags.out : join(projectRoot, DEFAULT_FOLDER))
  requireOurs(folder)
  const { pages, wordless } = await makeSite(folder)
  for (const name of wordless) console.error(`local/docs/api-words.ts says nothing of ${name}`)
  console.log(`${pages.length} pages: ${join(folder, 'index.html')}`)
})

/** What stands there is removed first: it must be a manual of before. */
function requireOurs(folder: string): void {
  const isOurs =
    !existsSync(folder) || readdirSync(folder).length === 0 || existsSync(join(folder, 'assets/index.js'))
  if (!isOurs) throw new StartError(`${folder} holds something else: name an empty folder by --out`)
}
