/** Which pages the manual has, in which order: those named here, and every other page of docs/ after them. */
import { readdirSync, readFileSync } from 'node:fs'
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

/** @param pages their titles in the menu, by their paths */
function section(title: string, pages: Record<string, string>): Section {
  return { title, pages: Object.entries(pages).map(([path, called]) => ({ path, title: called })) }
}

const SECTIONS: Section[] = [
  section('Run it', {
    'docs/install.md': 'Install',
    'docs/deployment.md': 'On Cloudflare',
    'docs/debian.md': 'On your own Debian machine',
    'docs/operation.md': 'Operate',
    'docs/troubleshooting.md': 'Troubleshoot',
    'docs/limits.md': 'Limits',
    'docs/cost.md': 'Cost',
  }),
  section('Build on it', {
    'docs/applications.md': 'Chat in your application',
    'docs/stream.md': 'The stream',
    'clients/stream/README.md': 'The stream’s client',
    'docs/event-stream.md': 'The event stream',
    'clients/event-stream/README.md': 'The event stream’s client',
  }),
]

const BACKGROUND = section('Background', {
  'README.md': 'What Selvedge is',
  'docs/architecture.md': 'Architecture',
  'docs/performance.md': 'Performance',
  'docs/compatibility.md': 'Compatibility',
  'docs/behaviours.md': 'Behaviours',
  'CHANGELOG.md': 'Changes',
  'CONTRIBUTING.md': 'Contribute',
})

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
    .map((name) => `${folder}/${name}`)
    .map((path) => ({ path, title: headingOf(path) }))
}

/** A page begins with its title. */
function headingOf(path: string): string {
  const [, heading] = /^# (.+)$/m.exec(readFileSync(join(projectRoot, path), 'utf8')) ?? []
  return heading ?? path
}

/** Where a page stands in the site. */
export function pageFor(path: string): string {
  if (path === 'README.md') return 'about.html'
  const inner = path.replace(/^docs\//, '').replace(/README\.md$/, 'index.md')
  return inner.replace(/\.md$/, '.html').toLowerCase()
}
