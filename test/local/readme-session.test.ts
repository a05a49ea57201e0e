/** The README's session with curl, run as a person would paste it. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { projectRoot } from '../../local/paths.ts'
import { startServer } from '../support/server.ts'

const readme = readFileSync(join(projectRoot, 'README.md'), 'utf8')

/** The commands of the section, as a person would paste them. */
function sessionOf(section: string): string {
  const [, text = ''] = readme.split(`\n## ${section}\n`)
  return /```sh\n([\s\S]*?)```/.exec(text)?.[1] ?? ''
}

test('the session with curl prints a line for each step, and may be run again', async () => {
  const server = await startServer()
  try {
    const script = sessionOf('Talk to it').replace('http://127.0.0.1:8008', server.url)
    for (const run of ['registered alice', 'alice is there already: signing in']) {
      const { stdout, stderr } = await promisify(execFile)('bash', ['-c', script])
      expect(stderr).toContain(run)
      const lines = stdout.trim().split('\n')
      expect(lines.slice(0, 2)).toEqual([
        expect.stringMatching(/^Alice made !\S+$/),
        expect.stringMatching(/^Bob joined !\S+$/),
      ])
      expect(lines.slice(2).sort()).toEqual([
        expect.stringMatching(/^Alice sent \$\S+$/),
        'Bob was told: Good morning',
      ])
    }
  } finally {
    await server.stop()
  }
})
