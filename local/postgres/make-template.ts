/** Run once after the packages are installed, so that the first start need not wait for an empty cluster. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prepareCluster } from './template.ts'

const folder = mkdtempSync(join(tmpdir(), 'selvedge-'))
await prepareCluster(join(folder, 'postgres'))
rmSync(folder, { recursive: true })
