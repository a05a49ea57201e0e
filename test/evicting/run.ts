/**
 * `npm run test:evicting -- [--all] [--slice 1/3] [-t TITLE] [FILE…]`: runs tests with evictions and a late archive. Without files,
 * the core: CI has no time for all. A slice is the core and a part of the rest.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { projectRoot } from '../../local/paths.ts'
import { allFiles, core, slice } from './files.ts'

const { values, positionals } = parseArgs({
  options: { all: { type: 'boolean' }, slice: { type: 'string' }, title: { type: 'string', short: 't' } },
  allowPositionals: true,
})

function wantedFiles(): string[] {
  if (positionals.length > 0) return positionals
  if (values.all) return allFiles()
  if (values.slice === undefined) return core(allFiles())
  const [index = 0, count = 0] = values.slice.split('/').map(Number)
  if (!(index >= 1 && index <= count))
    throw new Error(`--slice ${values.slice}: write 1/3 for the first of three`)
  return slice(allFiles(), index, count)
}

const vitest = join(projectRoot, 'node_modules/vitest/vitest.mjs')
const titled = values.title === undefined ? [] : ['-t', values.title]
const config = ['--config', 'test/evicting/vitest.config.ts']
const { status } = spawnSync(
  process.execPath,
  [...process.execArgv, vitest, 'run', ...config, ...titled, ...wantedFiles()],
  { cwd: projectRoot, stdio: 'inherit' },
)
process.exitCode = status ?? 1
