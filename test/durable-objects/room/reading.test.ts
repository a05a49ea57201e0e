/** What reads a room cannot write one: the compiler says so, and the tables stay as they are. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { projectRoot } from '../../../local/paths.ts'

const compiler = join(projectRoot, 'node_modules', 'typescript', 'bin', 'tsc')

/** What the compiler says of a file beside those that read rooms. */
function compiled(body: string): string {
  const folder = mkdtempSync(join(projectRoot, 'test', 'tried-'))
  try {
    writeFileSync(
      join(folder, 'tried.ts'),
      `import { appendLocal } from '../../durable-objects/room/write/pipeline.ts'
import type { RoomReader } from '../../durable-objects/room/context.ts'
export function tried(room: RoomReader): void {
  void appendLocal
  ${body}
}
`,
    )
    const config = join(folder, 'tsconfig.json')
    writeFileSync(
      config,
      JSON.stringify({ extends: join(projectRoot, 'tsconfig.json'), include: ['tried.ts'] }),
    )
    execFileSync(process.execPath, [compiler, '-p', config], { encoding: 'utf8' })
    return ''
  } catch (error) {
    return String((error as { stdout?: string }).stdout)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

it('compiles a read', { timeout: 60_000 }, () => {
  expect(compiled("room.store.sql.exec('SELECT 1 AS one').toArray()")).toBe('')
})

it.each([
  ['a statement', "room.store.sql.exec('DELETE FROM events')", 'TS2345'],
  ['a row of state', 'room.store.moveHead(1)', 'TS2339'],
  ['a transaction', 'room.store.transaction(() => 1)', 'TS2339'],
  ['an event', "appendLocal(room, { sender: '@a:x', type: 'm.room.message', content: {} })", 'TS2740'],
])('does not compile %s that writes', { timeout: 60_000 }, (_, body, code) => {
  expect(compiled(body)).toContain(code)
})
