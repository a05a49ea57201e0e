/** What stands around the text of each page: the menu, the search, the headings of the page. */
import { posix } from 'node:path'
import { escaped, type Heading } from './markdown.ts'

export interface MenuSection {
  title: string
  pages: { file: string; title: string }[]
}

export interface Page {
  /** In the site. */
  file: string
  title: string
  html: string
  headings: Heading[]
}

/** Nothing is fetched from elsewhere, and no page runs anything but the search. */
const POLICY =
  "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'"

/** A page, whole. */
export function pageHtml(page: Page, menu: MenuSection[], version: string): string {
  const at = (file: string) => posix.relative(posix.dirname(page.file), file)
  const root = at('index.html').replace(/index\.html$/, '')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(page.title)} · Selvedge</title>
<link rel="stylesheet" href="${at('assets/site.css')}">
<script defer src="${at('assets/search.js')}" data-root="${root}"></script>
</head>
<body>
<a class="skip" href="#text">To the text</a>
<header>
<a class="name" href="${at('index.html')}">Selvedge</a><span class="version">${escaped(version)}</span><a class="menu" href="#pages">Pages</a>
<div class="search" role="search"><input type="search" id="search" placeholder="Search" aria-label="Search the manual" autocomplete="off"><ol id="found" hidden></ol></div>
</header>
<div class="columns">
<nav id="pages" aria-label="Pages">${menuHtml(page, menu, at)}</nav>
<main id="text">
${page.html}
</main>
${headingsHtml(page)}
</div>
</body>
</html>
`
}

function menuHtml({ file }: Page, menu: MenuSection[], at: (file: string) => string): string {
  const link = (page: { file: string; title: string }) => {
    const here = page.file === file ? ' aria-current="page"' : ''
    return `<li><a href="${at(page.file)}"${here}>${escaped(page.title)}</a></li>`
  }
  return menu
    .map(({ title, pages }) => `<h2>${escaped(title)}</h2><ul>${pages.map(link).join('')}</ul>`)
    .join('\n')
}

/** Where there are few, they are seen anyway. */
const FEW = 3

function headingsHtml({ headings }: Page): string {
  const shown = headings.filter(({ depth }) => depth === 2 || depth === 3)
  if (shown.length < FEW) return ''
  const items = shown.map(
    ({ id, text, depth }) => `<li class="depth${depth}"><a href="#${id}">${escaped(text)}</a></li>`,
  )
  return `<aside aria-label="On this page"><h2>On this page</h2><ul>${items.join('')}</ul></aside>`
}
