/** What the compiler says of a row that is not whole, and that every row is a method of its class. */
import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { projectRoot } from '../../local/paths.ts'

vi.mock('cloudflare:workers', () => ({ DurableObject: class {} }))

/** The one method that stands in no table. */
const TRACED = 'traced'

const load = (path: string) => import(join(projectRoot, 'durable-objects', path)) as Promise<unknown>

/** The rows of every file of tables below a folder, but for the one that gathers them. */
async function rowsBelow(folder: string): Promise<string[]> {
  const files = readdirSync(join(projectRoot, 'durable-objects', folder), {
    recursive: true,
    encoding: 'utf8',
  })
  const tables = files.filter((name) => name.endsWith('rpc.ts') && name !== 'rpc.ts')
  const loaded = await Promise.all(tables.map((name) => load(join(folder, name))))
  return loaded.flatMap((file) => Object.values(file as Record<string, object>)).flatMap(Object.keys)
}

describe.each([
  ['user', 'User', ['alarm', 'fetch', 'webSocketClose', 'webSocketError', 'webSocketMessage']],
  ['room', 'Room', ['alarm']],
])('the object of a %s', (folder, className, ofThePlatform) => {
  it('has a method for every row of the tables in its folder, and no other', async () => {
    const rows = await rowsBelow(folder)
    const file = (await load(join(folder, `${folder}.ts`))) as Record<string, { prototype: object }>
    const methods = Object.entries(Object.getOwnPropertyDescriptors(file[className]!.prototype))
      .filter(([name, { value }]) => name !== 'constructor' && typeof value === 'function')
      .map(([name]) => name)
    expect(rows.length).toBeGreaterThan(35)
    // A name that two tables have stands twice among the rows, and once among the methods. Calls within a trace go by one more.
    expect(methods.toSorted()).toEqual([...rows, ...ofThePlatform, TRACED].toSorted())
  })
})

describe('the compiler', () => {
  /** One table a line, so that the line of an error says which table it is of. */
  const TABLES = {
    whole: "{ session: 'checked', repeatable: true, run: (_: Parts, { userId }: Session) => userId }",
    'without `repeatable`': "{ session: 'none', run: () => 1 }",
    'without `session`': '{ repeatable: true, run: () => 1 }',
    'without `run`': "{ session: 'none', repeatable: true }",
    'with an unknown kind of session': "{ session: 'maybe', repeatable: true, run: () => 1 }",
    'that checks a session it is not called with':
      "{ session: 'checked', repeatable: true, run: (_: Parts, name: string) => name }",
    'that answers other things without an object than with one':
      "{ session: 'none', repeatable: true, absent: () => 'no', run: () => false }",
    'that works with parts the object does not have':
      "{ session: 'none', repeatable: true, run: ({ other }: { other: number }) => other }",
  }
  let refused: string[]

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'selvedge-rows-'))
    const lines = Object.values(TABLES).map((row, index) => `rpcTable<Parts>()({ row${index}: ${row} })`)
    const head = `import type { Session } from '${projectRoot}/src/objects/user/session.ts'; interface Parts { sql: string }`
    const source = [
      `import { rpcTable } from '${projectRoot}/durable-objects/rpc-table.ts'; ${head}`,
      ...lines,
    ]
    await writeFile(join(folder, 'rows.ts'), source.join('\n'))
    const config = {
      extends: join(projectRoot, 'tsconfig.base.json'),
      compilerOptions: {
        lib: ['es2024'],
        types: ['@cloudflare/workers-types', '@types/node'].map((name) =>
          join(projectRoot, 'node_modules', name),
        ),
      },
    }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const output = await compile(folder)
    await rm(folder, { recursive: true })
    const failed = new Set([...output.matchAll(/rows\.ts\((\d+),/g)].map(([, line]) => Number(line) - 2))
    expect(output.replaceAll(/^.*rows\.ts\(.*$|^ .*$/gm, '').trim()).toBe('')
    refused = Object.keys(TABLES).filter((_, index) => failed.has(index))
  })

  it('takes a row that is whole', () => {
    expect(refused).not.toContain('whole')
  })

  it.each(Object.keys(TABLES).slice(1))('refuses a row %s', (name) => {
    expect(refused).toContain(name)
  })
})

/** Answers what the compiler prints, whether it is content or not. */
function compile(folder: string): Promise<string> {
  const tsc = join(projectRoot, 'node_modules', 'typescript', 'bin', 'tsc')
  return new Promise((resolve) => {
    execFile(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], (_, stdout, stderr) => {
      resolve(stdout + stderr)
    })
  })
}
