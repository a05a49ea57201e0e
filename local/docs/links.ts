/** Where the links of a page lead: to other pages, to files that are copied beside them, or out. */
import { existsSync, statSync } from 'node:fs'
import { join, posix } from 'node:path'
import { projectRoot } from '../paths.ts'
import { pageFor } from './manual.ts'

/** Files that pages link to, by their path below the project; the place in the site is the value. */
export type Copies = Map<string, string>

/** @throws Error for a link to nothing: a manual with dead links is not made */
export function resolver(source: string, pages: ReadonlySet<string>, copies: Copies) {
  const from = posix.dirname(pageFor(source))
  return (href: string): string | undefined => {
    if (/^(https?:|mailto:)/.test(href)) return href
    // A page that is made, and has no source.
    if (href.startsWith('site:')) return posix.relative(from, href.slice('site:'.length))
    const [path = '', hash] = href.split('#')
    const anchor = hash === undefined ? '' : `#${hash}`
    if (path === '') return anchor
    const target = posix.join(posix.dirname(source), path).replace(/\/$/, '')
    if (!existsSync(join(projectRoot, target)))
      throw new Error(`${source} links to ${href}, which is not there`)
    if (pages.has(target)) return posix.relative(from, pageFor(target)) + anchor
    // A folder has no page.
    if (statSync(join(projectRoot, target)).isDirectory()) return undefined
    const place = placeOf(target)
    copies.set(target, place)
    return posix.relative(from, place)
  }
}

/** A browser shows source as text, and runs none of it. */
function placeOf(path: string): string {
  return path.endsWith('.svg') || path.endsWith('.png') ? `files/${path}` : `files/${path}.txt`
}
