/**
 * `npm run test:evicting -- [--all] [--slice 1/3] [-t TITLE] [FILE…]`: runs tests with evictions and a late archive. Without files,
 * the core and the first slice of the rest: CI has no time for all.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { projectRoot } from '../../local/paths.ts'
import { allFiles, slice } from './files.ts'

const SLICES = 3

const { values, positionals } = parseArgs({
  options: { all: { type: 'boolean' }, slice: { type: 'string' }, title: { type: 'string', short: 't' } },
  allowPositionals: true,
})

/** The slice that is wanted, or the first. */
function wantedSlice(): [index: number, count: number] {
  if (values.slice === undefined) return [1, SLICES]
  const [index = 0, count = 0] = values.slice.split('/').map(Number)
  if (!(index >= 1 && index <= count))
    throw new Error(`--slice ${values.slice}: write 1/3 for the first of three`)
  return [index, count]
}

function wantedFiles(): string[] {
  if (positionals.length > 0) return positionals
  if (values.all) return allFiles()
  const [index, count] = wantedSlice()
  console.log(
    `evicting: the core and slice ${index}/${count} of the rest; --slice asks for one, --all for all`,
  )
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
