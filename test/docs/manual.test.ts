/** The manual: its links lead somewhere, it says something of every setting and endpoint of ours, and it asks nobody else. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, posix } from 'node:path'
import MiniSearch from 'minisearch'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { render } from '../../local/docs/markdown.ts'
import { SEARCH_OPTIONS } from '../../local/docs/search-options.ts'
import { unsaid } from '../../local/docs/settings.ts'
import { makeSite } from '../../local/docs/site.ts'
import { optionTable } from '../../local/options/options.ts'
import { settingNames } from '../../src/config.ts'
import { runScript } from '../support/command.ts'
import { ROUTES } from '../support/routes.ts'

const folder = mkdtempSync(join(tmpdir(), 'selvedge-manual-'))
const pages = new Map<string, string>()

beforeAll(async () => {
  for (const file of (await makeSite(folder)).pages) pages.set(file, readFileSync(join(folder, file), 'utf8'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const files = () =>
  new Set(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => posix.relative(folder, posix.join(entry.parentPath, entry.name))),
  )
const all = (html: string, pattern: RegExp) => [...html.matchAll(pattern)].map(([, found = '']) => found)
const page = (file: string) => pages.get(file) ?? ''

it('has a page for each text of docs/, and those that are made', () => {
  expect(pages.size).toBeGreaterThan(40)
  for (const file of [
    'index.html',
    'install.html',
    'settings.html',
    'operation.html',
    'applications.html',
    'troubleshooting.html',
    'limits.html',
    'api/admin.html',
    'api/stream.html',
    'api/status.html',
    'decisions/0030-stores-of-media.html',
  ])
    expect(page(file)).toContain('<h1 id="')
})

it('has no link to nothing, neither to a file nor to a place in it', () => {
  const there = files()
  const broken: string[] = []
  let looked = 0
  for (const [file, html] of pages) {
    for (const href of all(html, /(?:href|src)="([^"]*)"/g)) {
      if (/^https?:/.test(href)) continue
      looked += 1
      const [path = '', anchor] = href.split('#')
      const target = path === '' ? file : posix.join(posix.dirname(file), path)
      const isThere = there.has(target)
      const hasPlace = anchor === undefined || page(target).includes(`id="${anchor}"`)
      if (!isThere || !hasPlace) broken.push(`${file}: ${href}`)
    }
  }
  expect(looked).toBeGreaterThan(1_000)
  expect(broken).toEqual([])
})

it('loads nothing from elsewhere, and says so to the browser', () => {
  for (const [file, html] of pages) {
    const loaded = [...all(html, /<(?:script|img|link|iframe)[^>]*(?:src|href)="([^"]*)"/g)]
    expect(loaded.filter((url) => /^(https?:)?\/\//.test(url))).toEqual([])
    expect(all(html, /<script(?![^>]*src=)[^>]*>/g), file).toEqual([])
    expect(html).toContain(`content="default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'`)
  }
  const assets = ['assets/site.css', 'assets/search.js'].map((file) =>
    readFileSync(join(folder, file), 'utf8'),
  )
  for (const text of assets) expect(text).not.toMatch(/https?:\/\/|url\(/)
})

describe('the settings', () => {
  it.each(Object.keys(optionTable))('have a section for --%s', (name) => {
    expect(page('settings.html')).toContain(`<code>--${name}</code></a></h3>`)
  })

  it.each(settingNames)('have a row for %s', (name) => {
    expect(page('settings.html')).toMatch(new RegExp(`(Worker|<td>) ?<code>${name}</code>`))
  })

  it('say something of each', () => {
    expect(unsaid()).toEqual([])
    expect(page('settings.html')).not.toContain('<td></td></tr>')
  })
})

describe('the API pages', () => {
  const ours = ROUTES.filter(({ path }) => /^\/_selvedge\/(?!test\/|local\/)/.test(path))

  it.each(ours.map(({ method, path }) => `${method} ${path}`))('have a section for %s', (name) => {
    const shown = name.replace(/:(\w+)/g, '{$1}')
    const found = [...pages].filter(
      ([file, html]) => file.startsWith('api/') && html.includes(`>${shown}</a></h2>`),
    )
    expect(found).toHaveLength(1)
  })

  it('know the parameters and bounds of the schemas', () => {
    const html = page('api/admin.html')
    const [, move = ''] = /POST \/_selvedge\/admin\/media\/move<\/a>([\s\S]*?)<h2/.exec(html) ?? []
    expect(move).toContain(
      '<td><code>to</code></td><td>body</td><td><code>r2</code>, <code>s3</code>, <code>ipfs</code></td><td>needed</td>',
    )
    expect(move).toContain(
      '<td><code>delete_source</code></td><td>body</td><td>boolean</td><td><code>false</code> unless told</td>',
    )
    expect(move).toContain('at most 2000 characters')
  })

  it('say nothing of what is between the parts of one server', () => {
    const told = [...pages].filter(
      ([, html]) =>
        html.includes('</a></h2>') && /<h2[^>]*><a[^>]*>[A-Z]+ \/_selvedge\/(local|test)\//.test(html),
    )
    expect(told.map(([file]) => file)).toEqual([])
  })
})

describe('the search', () => {
  const found = (words: string) => {
    const script = readFileSync(join(folder, 'assets/index.js'), 'utf8')
    const index = JSON.parse(script.slice('window.selvedgeIndex='.length)) as string
    return MiniSearch.loadJSON(index, SEARCH_OPTIONS).search(words)
  }

  it.each([
    ['--media-store', 'settings.html#--media-store'],
    ['media store pinned', 'operation.html#where-media-are'],
    ['keys.json backup', 'operation.html#backup'],
    ['media/move', 'api/admin.html#post-_selvedgeadminmediamove'],
    ['troublesho', 'troubleshooting.html#troubleshooting'],
    ['operaton', 'operation.html#operation'],
  ])('finds %s', (words, place) => {
    expect(
      found(words)
        .map((hit) => hit.place as string)
        .slice(0, 12),
    ).toContain(place)
  })

  it('finds nothing where there is nothing', () => {
    expect(found('xylophone')).toEqual([])
  })
})

describe('the text of a page', () => {
  it('is HTML with places, and its code is not run', () => {
    const { html, headings, title } = render(
      '# A `b`\n\n## Same\n\n## Same\n\n`<script>`\n\n[x](y.md)',
      () => undefined,
    )
    expect(title).toBe('A b')
    expect(headings.map(({ id }) => id)).toEqual(['a-b', 'same', 'same-1'])
    expect(html).toContain('<code>&lt;script&gt;</code>')
    expect(html).toContain('<p>x</p>')
  })
})

it('is made by the command, and only where nothing else is', async () => {
  const ran = await runScript('docs', ['--out', folder])
  expect([ran.code, ran.stdout]).toEqual([0, `${pages.size} pages: ${join(folder, 'index.html')}\n`])
  const other = mkdtempSync(join(tmpdir(), 'selvedge-other-'))
  const refused = await runScript('docs', ['--out', join(other, '..')])
  expect([refused.code, refused.stderr]).toEqual([
    1,
    `selvedge: ${join(other, '..')} holds something else: name an empty folder by --out\n`,
  ])
  rmSync(other, { recursive: true })
})
