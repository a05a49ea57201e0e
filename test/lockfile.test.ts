/** The lockfile: packages that must be there once, and agree with each other. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { projectRoot } from '../local/paths.ts'

interface Lockfile {
  packages: Record<string, { version: string }>
}

const read = (name: string) => JSON.parse(readFileSync(join(projectRoot, name), 'utf8'))
const lockfile = read('package-lock.json') as Lockfile
const manifest = read('package.json') as Record<'dependencies' | 'devDependencies', Record<string, string>>

function versionsOf(name: string): string[] {
  return Object.entries(lockfile.packages)
    .filter(([path]) => path.endsWith(`node_modules/${name}`))
    .map(([, { version }]) => version)
}

it.each(['workerd', 'miniflare', 'wrangler', 'zod', '@electric-sql/pglite'])('holds one %s', (name) => {
  expect(versionsOf(name)).toHaveLength(1)
})

it('pins every direct dependency to the version it locks', () => {
  const direct = { ...manifest.dependencies, ...manifest.devDependencies }
  const locked = Object.fromEntries(
    Object.keys(direct).map((name) => [name, lockfile.packages[`node_modules/${name}`]?.version]),
  )
  expect(direct).toEqual(locked)
})

it('runs miniflare on a newer workerd than its own, as decision 16 says', () => {
  const day = (version: string | undefined) => Number(version?.split('.')[1])
  const own = lockfile.packages['node_modules/miniflare'] as { dependencies?: Record<string, string> }
  expect(day(versionsOf('workerd')[0])).toBeGreaterThan(day(own.dependencies?.workerd))
})
