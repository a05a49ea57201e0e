/** The parts of the HTTP surface: each is mounted where clients can reach it. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { projectRoot } from '../../local/paths.ts'

const read = (path: string) => readFileSync(join(projectRoot, path), 'utf8')

/** The names under which a file hands out routes. */
const partsOf = (path: string) =>
  [...read(path).matchAll(/^export const (\w+) = new Hono\b/gm)].map(([, name = '']) => name)

it('every part with routes is mounted', () => {
  const mounting = ['workers/app.ts', 'workers/client/index.ts']
  const mounts = mounting
    .map(read)
    .join('\n')
    .replace(/'[^'\n]*'/g, '')
  const files = globSync('workers/**/*.ts', { cwd: projectRoot }).filter((path) => path !== 'workers/app.ts')
  const parts = files.flatMap((path) => partsOf(path).map((name) => ({ path, name })))
  expect(parts.length).toBeGreaterThan(50)
  // Once where it is imported, and once where it is mounted.
  const times = (name: string) => mounts.match(new RegExp(`\\b${name}\\b`, 'g'))?.length ?? 0
  expect(parts.filter(({ name }) => times(name) < 2)).toEqual([])
})
