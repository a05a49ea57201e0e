/** docs/behaviours.md: each behaviour names tests that are there. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { projectRoot } from '../../local/paths.ts'

interface Behaviour {
  item: string
  /** The tests that show it, or none for what comes later. */
  shownBy: { file: string; title: string }[]
  later: boolean
}

const ROW = /^\| ([^|]+) \| (.+) \| (.+) \|$/
const TEST = /`(test\/[^`]+)` › "([^"]+)"/g

function behaviours(): Behaviour[] {
  const page = readFileSync(join(projectRoot, 'docs/behaviours.md'), 'utf8')
  return page
    .split('\n')
    .map((line) => ROW.exec(line))
    .filter((row) => row !== null)
    .map(([, item = '', , shown = '']) => ({
      item,
      shownBy: [...shown.matchAll(TEST)].map(([, file = '', title = '']) => ({ file, title })),
      later: shown.startsWith('later: '),
    }))
    .filter(({ item }) => item !== 'item' && !item.startsWith('---'))
}

describe('docs/behaviours.md', () => {
  const all = behaviours()

  it('names a test for each behaviour, or says when it comes', () => {
    expect(all.length).toBeGreaterThan(100)
    expect(all.filter(({ shownBy, later }) => later === shownBy.length > 0).map(({ item }) => item)).toEqual(
      [],
    )
  })

  it('names tests that are there', () => {
    const sources = new Map<string, string>()
    const isThere = ({ file, title }: { file: string; title: string }) => {
      const path = join(projectRoot, file)
      if (!sources.has(file)) sources.set(file, existsSync(path) ? readFileSync(path, 'utf8') : '')
      return sources.get(file)?.includes(title) === true
    }
    const missing = all.flatMap(({ item, shownBy }) =>
      shownBy.filter((test) => !isThere(test)).map(({ file, title }) => `${item}: ${file} › ${title}`),
    )
    expect(missing).toEqual([])
  })
})
