/** The demo's script in the Worker is what `clients/demo` bundles to: bundlers of Workers read no second entry. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { projectRoot } from '../../local/paths.ts'
import { demoScriptFile, statusScriptFile } from './demo-script.ts'

it('the script of the demo page is made of its source', async () => {
  await expect(await demoScriptFile()).toMatchFileSnapshot(join(projectRoot, 'workers/pages/demo-script.ts'))
})

it('the script of the status pages is made of its source', async () => {
  await expect(await statusScriptFile()).toMatchFileSnapshot(
    join(projectRoot, 'workers/pages/status/script.ts'),
  )
})
