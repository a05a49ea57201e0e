/** Who may import whom, which globals a layer may touch, and how large files and folders grow: checked in every file. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { projectRoot } from '../local/paths.ts'
import { SQL_OVER_ALL_TABLES, TIMED_FILES } from './support/house/exceptions.ts'
import { brokenRules } from './support/house/layers.ts'
import {
  circles,
  fullFolders,
  importGraph,
  isTooLong,
  MOST_FILES,
  MOST_LINES,
  type SourceFile,
} from './support/house/shape.ts'
import { OBJECTS, strayRows, strayStatements } from './support/house/tables.ts'
import { clockworkIn } from './support/house/waits.ts'

const productFolders = ['src', 'durable-objects', 'workers', 'local', 'clients']
const projectFolders = [...productFolders, 'test', 'bench', 'migrations', 'docs']

function namesIn(folder: string): string[] {
  return readdirSync(join(projectRoot, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(projectRoot, join(entry.parentPath, entry.name)))
    .filter((path) => !path.includes('node_modules/'))
}

function sourceFiles(folders: string[]): SourceFile[] {
  return folders
    .flatMap(namesIn)
    .filter((path) => path.endsWith('.ts') || path.endsWith('.tsx'))
    .map((path) => ({ path, source: readFileSync(join(projectRoot, path), 'utf8') }))
}

const files = sourceFiles(projectFolders)
const graph = importGraph(files)

it('every file keeps the rules of its layer', () => {
  const product = sourceFiles(productFolders)
  expect(product.length).toBeGreaterThan(50)
  expect(product.flatMap(({ path, source }) => brokenRules(path, source))).toEqual([])
})

it('no import leads back to its file', () => {
  expect(graph.size).toBeGreaterThan(400)
  expect(circles(graph)).toEqual([])
})

it(`no file has more than ${MOST_LINES} lines`, () => {
  expect(files.filter(isTooLong).map(({ path }) => path)).toEqual([])
})

it(`no folder holds more than ${MOST_FILES} files`, () => {
  expect(fullFolders(projectFolders.flatMap(namesIn))).toEqual([])
})

it.each(OBJECTS)('each table of a %s has one file, with its SQL and its row type', (object) => {
  expect([...strayStatements(object, files, SQL_OVER_ALL_TABLES), ...strayRows(object, files)]).toEqual([])
})

it.each(Object.keys(SQL_OVER_ALL_TABLES))('%s has SQL over the tables of others', (path) => {
  const { [path]: _, ...others } = SQL_OVER_ALL_TABLES
  expect(strayStatements('User', files, others)).toContainEqual(expect.stringContaining(path))
})

describe('a test waits for what it means, not for a time', () => {
  const timed = Object.fromEntries(
    files
      .filter(({ path }) => path.startsWith('test/'))
      .map((file) => [file.path, clockworkIn(file)] as const)
      .filter(([, found]) => found.length > 0),
  )

  it('no file sleeps or asks how long something took', () => {
    const { ...broken } = timed
    for (const path of Object.keys(TIMED_FILES)) delete broken[path]
    expect(broken).toEqual({})
  })

  it.each(Object.keys(TIMED_FILES))('the exception of %s is still needed', (path) => {
    expect(Object.keys(timed)).toContain(path)
  })

  it.each([
    ["import { setTimeout as sleep } from 'node:timers/promises'", ['node:timers/promises']],
    ['await new Promise((resolve) => setTimeout(resolve, 50))', ['setTimeout']],
    ['const started = performance.now()', ['performance']],
    ['await expect.poll(look).toBe(1)', []],
  ])('which finds in %s: %j', (source, found) => {
    expect(clockworkIn({ path: 'test/x.test.ts', source })).toEqual(found)
  })
})

describe('the check of shape itself', () => {
  const circle = [
    { path: 'a/one.ts', source: "import { two } from './two.ts'" },
    { path: 'a/two.ts', source: "export { three } from '../b/three.ts'" },
    { path: 'b/three.ts', source: "import type { One } from '../a/one.ts'" },
  ]

  it('finds a circle within a folder and across folders, by types alone too', () => {
    expect(circles(importGraph(circle))).toContain(
      'no import leads back to its file: a/one.ts -> a/two.ts -> b/three.ts -> a/one.ts',
    )
    const pair = [
      { path: 'a/one.ts', source: "import type { Two } from './two.ts'" },
      { path: 'a/two.ts', source: "import type { One } from './one.ts'" },
    ]
    expect(circles(importGraph(pair))).toHaveLength(2)
  })

  it('finds a file that imports itself', () => {
    const self = [{ path: 'a/one.ts', source: "import { one } from './one.ts'" }]
    expect(circles(importGraph(self))).toHaveLength(1)
  })

  it('finds no circle where two ways meet', () => {
    const diamond = [
      { path: 'a.ts', source: "import './b.ts'\nimport './c.ts'" },
      { path: 'b.ts', source: "import './d.ts'" },
      { path: 'c.ts', source: "import './d.ts'" },
      { path: 'd.ts', source: '' },
    ]
    expect(circles(importGraph(diamond))).toEqual([])
  })

  it('finds a file of 301 lines and none of 300', () => {
    expect(isTooLong({ path: 'a.ts', source: 'x\n'.repeat(MOST_LINES + 1) })).toBe(true)
    expect(isTooLong({ path: 'a.ts', source: 'x\n'.repeat(MOST_LINES) })).toBe(false)
  })

  it('finds a folder of 26 files and none of 25, whatever is numbered or lies in folders below', () => {
    const paths = Array.from({ length: MOST_FILES }, (_, index) => `bench/${index}.ts`)
    expect(fullFolders([...paths, 'bench/below/x.ts', 'bench/0001-a.md'])).toEqual([])
    expect(fullFolders([...paths, 'bench/x.ts'])).toEqual(['a folder holds at most 25 files: bench has 26'])
  })
})

describe('the check itself', () => {
  it.each([
    [
      'src/protocol/event.ts',
      "import { x } from '../ports/log.ts'",
      'src/protocol imports itself and zod alone',
    ],
    [
      'src/protocol/event.ts',
      "import type { x } from '../ports/log.ts'",
      'src/protocol imports itself and zod alone',
    ],
    [
      'src/protocol/event.ts',
      "import { readFileSync } from 'node:fs'",
      'src/protocol imports itself and zod alone',
    ],
    ['src/protocol/event.ts', 'export const now = () => Date.now()', 'src/protocol is pure: no Date'],
    ['src/protocol/event.ts', 'const d = new Date()', 'src/protocol is pure: no Date'],
    ['src/protocol/event.ts', 'const x = Math.random()', 'src/protocol is pure: no Math.random'],
    ['src/protocol/event.ts', 'const x = globalThis.crypto', 'src/protocol is pure: no globalThis'],
    ['src/protocol/event.ts', 'setTimeout(() => {}, 1)', 'src/protocol is pure: no setTimeout'],
    ['src/protocol/event.ts', 'export async function f() {}', 'src/protocol is synchronous'],
    [
      'src/ports/log.ts',
      "import { MatrixError } from '../protocol/errors.ts'\nimport x from '../log.ts'",
      'src/ports imports protocol and objects alone',
    ],
    [
      'src/objects/room/send.ts',
      "import type { Logger } from '../../ports/log.ts'",
      'src/objects imports protocol alone',
    ],
    ['src/accounts/login.ts', "import { x } from '../media/y.ts'", 'capabilities never import each other'],
    [
      'src/accounts/login.ts',
      "import { x } from '../storage/redis/client.ts'",
      'only src/context imports storage',
    ],
    ['src/accounts/login.ts', "import { Hono } from 'hono'", 'only workers import Hono'],
    [
      'src/accounts/login.ts',
      "import { neon } from '@neondatabase/serverless'",
      'drivers live in src/storage alone',
    ],
    [
      'src/storage/redis/client.ts',
      "import { x } from '../../accounts/y.ts'",
      'src/storage imports protocol, ports and drivers',
    ],
    ['durable-objects/room/room.ts', "import { Hono } from 'hono'", 'only workers import Hono'],
    [
      'durable-objects/room/room.ts',
      "import { x } from '../user/user.ts'",
      'objects reach each other only through peers',
    ],
    [
      'durable-objects/room/room.ts',
      "import { x } from '../../workers/app.ts'",
      'objects never import workers',
    ],
    [
      'durable-objects/room/room.ts',
      "import { x } from '../../src/storage/redis/client.ts'",
      'only src/context imports storage',
    ],
    [
      'durable-objects/user/sync/heads/heads.ts',
      "import { first } from '../../../sqlite.ts'",
      'the heads of rooms know neither storage nor network',
    ],
    [
      'durable-objects/user/sync/streams/rooms.ts',
      "import { V2Codec } from '../codecs/v2.ts'",
      'the streams of a sync know no codec',
    ],
    [
      'durable-objects/room/rows/store.ts',
      "import type { LocalEvent } from '../write/append.ts'",
      "a Room's tables import nothing that reads, writes or tells",
    ],
    [
      'durable-objects/room/read/timeline.ts',
      "import type { ShownRow } from '../write/erasure.ts'",
      'what reads a Room imports nothing that writes it or tells of it',
    ],
    [
      'durable-objects/room/write/append.ts',
      "import { wake } from '../tell/wakes.ts'",
      'the pipeline of a Room and the consumers of its commits do not know each other',
    ],
    [
      'durable-objects/room/tell/increments.ts',
      "import type { Typing } from '../write/typing.ts'",
      'the pipeline of a Room and the consumers of its commits do not know each other',
    ],
    [
      'durable-objects/user/presence/presence.ts',
      "import { x } from '../settings/tags.ts'",
      "a User's presence and to-device messages know no other feature",
    ],
    ['durable-objects/room/room.ts', 'await fetch(url)', 'no ambient fetch'],
    [
      'durable-objects/room/read/timeline.ts',
      "sql.exec('SELECT pdu FROM events')",
      "a Room's statements stand with its tables",
    ],
    [
      'durable-objects/room/write/place.ts',
      'sql.exec(`\n  INSERT INTO log (pos) VALUES (1)`)',
      "a Room's statements stand with its tables",
    ],
    ['durable-objects/user/user.ts', 'const now = Date.now()', 'no ambient Date'],
    ['workers/client/keys.ts', 'z.record(z.string(), Key)', 'objects with keys of others have the schemas'],
    ['src/federation/keys.ts', 'z\n  .looseObject({})', 'objects with keys of others have the schemas'],
    [
      'workers/client/sync.ts',
      "import { x } from '../../durable-objects/room/store.ts'",
      'workers reach objects only through the gate',
    ],
    [
      'workers/client/sync.ts',
      "import { x } from '../../src/storage/redis/client.ts'",
      'only src/context imports storage',
    ],
    ['workers/client/sync.ts', "const { x } = await import('../../local/main.ts')", 'nobody imports local'],
    ['workers/client/sync.ts', "export { x } from '../../local/main.ts'", 'nobody imports local'],
    [
      'workers/client/keys.ts',
      "import { serverNameOf } from '../../src/protocol/identifiers.ts'",
      'whose an id is, objects.servers says',
    ],
    ['workers/client/sync.ts', 'console.log(1)', 'no ambient console'],
  ])('finds in %s: %s', (path, source, sentence) => {
    expect(brokenRules(path, source)).toContainEqual(expect.stringContaining(sentence))
  })

  it.each([
    [
      'src/protocol/event.ts',
      "import * as z from 'zod'\nimport { x } from './ids.ts'\nimport { createHash } from 'node:crypto'\nconst y = Math.max(1, 2)",
    ],
    [
      'src/protocol/event.ts',
      'interface A { Date: string }\nconst a = { fetch: 1 }\nexport const b = a.fetch',
    ],
    ['src/protocol/event.ts', 'export function f(fetch: () => number) { return fetch() }'],
    ['workers/index.ts', "export { Room } from '../durable-objects/room/room.ts'"],
    ['durable-objects/room/rows/events/events.ts', "sql.exec('SELECT pdu FROM events')"],
    ['durable-objects/room/read/timeline.ts', "throw new Error('Select an event')"],
    [
      'durable-objects/room/room.ts',
      "import { userStub } from '../peers.ts'\nimport { now } from '../../src/ports/log.ts'",
    ],
    ['src/context.ts', "import { redis } from './storage/redis/client.ts'"],
    ['src/system.ts', 'export const clock = { now: () => Date.now() }'],
  ])('finds nothing in %s: %s', (path, source) => {
    expect(brokenRules(path, source)).toEqual([])
  })
})
