/** `npm run test:stores -- [--project s3|ipfs] [-t TITLE] [FILE…]`: the tests of media over an S3 and over IPFS, as far as their servers are here. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { projectRoot } from '../../local/paths.ts'
import { missing } from './vitest.config.ts'

for (const line of missing) console.log(line)
if (missing.length === 2) console.log('0 passed, 0 failed')
else {
  const vitest = join(projectRoot, 'node_modules/vitest/vitest.mjs')
  const args = ['run', '--config', 'test/stores/vitest.config.ts', ...process.argv.slice(2)]
  const { status } = spawnSync(process.execPath, [...process.execArgv, vitest, ...args], {
    cwd: projectRoot,
    stdio: 'inherit',
  })
  process.exitCode = status ?? 1
}
