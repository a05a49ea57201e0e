/** docs/behaviours.md: each behaviour names tests that are there. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { projectRoot } from '../../local/paths.ts'
import { readTitles } from '../support/house/syntax.ts'

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

const titlesOf = (path: string) =>
  existsSync(path) ? readTitles(readFileSync(path, 'utf8')) : new Set<string>()

describe('docs/behaviours.md', () => {
  const all = behaviours()

  it('names a test for each behaviour, or says when it comes', () => {
    expect(all.length).toBeGreaterThan(100)
    expect(all.filter(({ shownBy, later }) => later === shownBy.length > 0).map(({ item }) => item)).toEqual(
      [],
    )
  })

  it('names tests that exist', () => {
    const texts = new Map<string, Set<string>>()
    const isThere = ({ file, title }: { file: string; title: string }) => {
      if (!texts.has(file)) texts.set(file, titlesOf(join(projectRoot, file)))
      return texts.get(file)?.has(title) === true
    }
    const missing = all.flatMap(({ item, shownBy }) =>
      shownBy.filter((test) => !isThere(test)).map(({ file, title }) => `${item}: ${file} › ${title}`),
    )
    expect(missing).toEqual([])
  })
})
