/** Who may import whom, and which globals a layer may touch: the table of the house, checked in every file. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { projectRoot } from '../local/paths.ts'
import { brokenRules } from './support/layers.ts'

const folders = ['src', 'durable-objects', 'workers', 'local']

function sourceFiles(): { path: string; source: string }[] {
  return folders.flatMap((folder) =>
    readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') || name.endsWith('.tsx'))
      .map((name) => join(projectRoot, folder, name))
      .map((path) => ({ path: relative(projectRoot, path), source: readFileSync(path, 'utf8') })),
  )
}

it('every file keeps the rules of its layer', () => {
  const files = sourceFiles()
  expect(files.length).toBeGreaterThan(50)
  expect(files.flatMap(({ path, source }) => brokenRules(path, source))).toEqual([])
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
    ['durable-objects/room/room.ts', 'await fetch(url)', 'no ambient fetch'],
    ['durable-objects/user/user.ts', 'const now = Date.now()', 'no ambient Date'],
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
