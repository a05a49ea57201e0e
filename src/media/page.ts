/** What a page of HTML says of itself: Open Graph, what stands in for it, and where its oEmbed is. */
import { decodeHTML, decodeHTMLAttribute } from 'entities'

/** The names of `meta` elements that are read, with the first content of each. */
const NAMES: ReadonlySet<string> = new Set([
  'og:title',
  'og:description',
  'og:site_name',
  'og:type',
  'og:url',
  'og:locale',
  'og:image',
  'og:image:url',
  'og:image:secure_url',
  'og:image:alt',
  'twitter:title',
  'twitter:description',
  'twitter:image',
  'twitter:image:src',
  'description',
])

const LONGEST_TITLE = 4_096

export interface Page {
  meta: Map<string, string>
  title: string
  /** A URL, perhaps relative. */
  oembed?: string
  image?: string
  /** The base of relative URLs; it may be relative itself. */
  base?: string
}

/** Reads the page. Broken or cut off HTML ends the reading, and is no failure. */
export async function readPage(html: string): Promise<Page> {
  const page: Page = { meta: new Map(), title: '' }
  const title = { text: '', isOver: false }
  const rewriter = new HTMLRewriter()
    .on('meta', { element: (meta) => readMeta(page, meta) })
    .on('base', { element: (base) => readBase(page, base) })
    .on('link', { element: (link) => readLink(page, link) })
    .on('title', {
      text(chunk) {
        // A picture in the page may have titles of its own.
        if (title.isOver) return
        if (title.text.length < LONGEST_TITLE) title.text += chunk.text
        title.isOver = chunk.lastInTextNode
      },
    })
  const source = new Response(html, { headers: { 'content-type': 'text/html; charset=utf-8' } })
  await rewriter
    .transform(source)
    .body?.pipeTo(new WritableStream())
    .catch(() => undefined)
  page.title = decodeHTML(title.text)
  return page
}

function readMeta({ meta }: Page, element: Element): void {
  const name = (element.getAttribute('property') ?? element.getAttribute('name') ?? '').trim().toLowerCase()
  const content = attribute(element, 'content')
  if (NAMES.has(name) && content !== '' && !meta.has(name)) meta.set(name, content)
}

/** "The first base element with an href content attribute in tree order." */
function readBase(page: Page, element: Element): void {
  if (element.hasAttribute('href')) page.base ??= attribute(element, 'href')
}

function readLink(page: Page, element: Element): void {
  const rels = attribute(element, 'rel').toLowerCase().split(/\s+/)
  const href = attribute(element, 'href')
  const type = attribute(element, 'type').toLowerCase()
  if (href === '') return
  if (rels.includes('alternate') && type === 'application/json+oembed') page.oembed ??= href
  if (rels.includes('image_src')) page.image ??= href
}

/** The parser hands out attributes as they are written. */
function attribute(element: Element, name: string): string {
  return decodeHTMLAttribute(element.getAttribute(name) ?? '').trim()
}
