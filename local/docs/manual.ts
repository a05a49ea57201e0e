/** Which pages the manual has, in which order: those named here, and every other page of docs/ after them. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../paths.ts'

/** A page that is written by hand. */
export interface Source {
  /** Below the project. */
  path: string
  /** In the menu. */
  title: string
}

export interface Section {
  title: string
  pages: Source[]
}

const SECTIONS: Section[] = [
  {
    title: 'Run it',
    pages: [
      { path: 'docs/install.md', title: 'Install' },
      { path: 'docs/deployment.md', title: 'On Cloudflare' },
      { path: 'docs/debian.md', title: 'On your own Debian machine' },
      { path: 'docs/operation.md', title: 'Operate' },
      { path: 'docs/troubleshooting.md', title: 'Troubleshoot' },
      { path: 'docs/limits.md', title: 'Limits' },
      { path: 'docs/cost.md', title: 'Cost' },
    ],
  },
  {
    title: 'Build on it',
    pages: [
      { path: 'docs/applications.md', title: 'Chat in your application' },
      { path: 'docs/stream.md', title: 'The stream' },
      { path: 'clients/stream/README.md', title: 'The stream’s client' },
      { path: 'docs/event-stream.md', title: 'The event stream' },
      { path: 'clients/event-stream/README.md', title: 'The event stream’s client' },
    ],
  },
]

const BACKGROUND: Section = {
  title: 'Background',
  pages: [
    { path: 'README.md', title: 'What Selvedge is' },
    { path: 'docs/architecture.md', title: 'Architecture' },
    { path: 'docs/performance.md', title: 'Performance' },
    { path: 'docs/compatibility.md', title: 'Compatibility' },
    { path: 'docs/behaviours.md', title: 'Behaviours' },
    { path: 'CHANGELOG.md', title: 'Changes' },
    { path: 'CONTRIBUTING.md', title: 'Contribute' },
  ],
}

const DECISIONS = 'docs/decisions'

/** All sections. What was added to docs/ and is not named above stands at the end of the background. */
export function manual(): Section[] {
  const named = new Set([...SECTIONS, BACKGROUND].flatMap(({ pages }) => pages.map(({ path }) => path)))
  const others = pagesIn('docs').filter(({ path }) => !named.has(path))
  const decisions = pagesIn(DECISIONS).filter(({ path }) => !path.endsWith('/README.md'))
  return [
    ...SECTIONS,
    { ...BACKGROUND, pages: [...BACKGROUND.pages, ...others] },
    { title: 'Decisions', pages: [{ path: `${DECISIONS}/README.md`, title: 'All decisions' }, ...decisions] },
  ]
}

function pagesIn(folder: string): Source[] {
  return readdirSync(join(projectRoot, folder))
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => ({ path: `${folder}/${name}`, title: titleFrom(name) }))
}

/** 0030-stores-of-media.md is "30. Stores of media". */
function titleFrom(name: string): string {
  const [, number, words = ''] = /^(?:(\d+)-)?(.*)\.md$/.exec(name)!
  const text = words.replaceAll('-', ' ')
  const title = text.charAt(0).toUpperCase() + text.slice(1)
  return number === undefined ? title : `${Number(number)}. ${title}`
}

/** Where a page stands in the site. */
export function pageFor(path: string): string {
  if (path === 'README.md') return 'about.html'
  const inner = path.replace(/^docs\//, '').replace(/README\.md$/, 'index.md')
  return inner.replace(/\.md$/, '.html').toLowerCase()
}
