/** The first page of the manual. */
import type { MenuSection } from './shell.ts'

/** Its links are written as those of a page beside README.md, but that they name pages of the site. */
export function frontPage(menu: MenuSection[]): string {
  const sections = menu
    .filter(({ title }) => title !== 'Decisions')
    .map(({ title, pages }) =>
      [`## ${title}`, ...pages.map(({ file, title: name }) => `- [${name}](site:${file})`)].join('\n'),
    )
  return [
    '# Selvedge',
    'A Matrix homeserver that lives on the edge, on Cloudflare’s platform or on one machine. This is its manual, as it stands with this version.',
    ...sections,
  ].join('\n\n')
}
