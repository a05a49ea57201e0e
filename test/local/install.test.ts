/** What `npm start` says where it cannot install its packages. */
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { projectRoot } from '../../local/paths.ts'

/** Who may write nothing here; the superuser may write everywhere. */
const NOBODY = 65_534
const who = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
const canRun = spawnSync(process.execPath, ['--version'], { cwd: '/', ...who }).status === 0

it.skipIf(!canRun)(
  `names the folder that may not be written, in one line${canRun ? '' : ' (skipped: nobody else may run this Node)'}`,
  () => {
    // The folder of a run of tests may be entered by its owner alone.
    const root = mkdtempSync('/tmp/selvedge-install-')
    try {
      mkdirSync(join(root, 'local'))
      for (const file of ['local/install.mjs', 'package.json', 'package-lock.json'])
        cpSync(join(projectRoot, file), join(root, file))
      chmodSync(root, 0o555)
      const script = `import('${join(root, 'local/install.mjs')}').then(({ install }) => install())`
      const ran = spawnSync(process.execPath, ['-e', script], { cwd: root, encoding: 'utf8', ...who })
      expect(ran.stderr).toBe(
        `selvedge: packages are missing, and ${root}/ may not be written: run npm ci as its owner\n`,
      )
      expect(ran.status).toBe(1)
    } finally {
      chmodSync(root, 0o755)
      rmSync(root, { recursive: true })
    }
  },
)
