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
}

/** Reads the page; what is broken or cut off ends the reading and nothing else. */
export async function readPage(html: string): Promise<Page> {
  const page: Page = { meta: new Map(), title: '' }
  const title = { text: '', isOver: false }
  const rewriter = new HTMLRewriter()
    .on('meta', { element: (meta) => readMeta(page, meta) })
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

/** HTML §Determining the character encoding: a byte order mark, the header, the page's own word within 1,024 bytes. */
export function decodePage(bytes: Uint8Array, contentType: string): string {
  const [, fromHeader] = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType) ?? []
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 1_024))
  const [, fromPage] = /<meta[^>]+charset\s*=\s*["']?\s*([^\s"'/>;]+)/i.exec(start) ?? []
  for (const label of [markOf(bytes), fromHeader, fromPage]) {
    const decoder = label === undefined ? undefined : decoderOf(label)
    if (decoder !== undefined) return decoder.decode(bytes)
  }
  return new TextDecoder().decode(bytes)
}

function markOf([first, second, third]: Uint8Array): string | undefined {
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8'
  if (first === 0xfe && second === 0xff) return 'utf-16be'
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  return undefined
}

/** Undefined for a name that no encoding has. */
function decoderOf(label: string): TextDecoder | undefined {
  try {
    return new TextDecoder(label)
  } catch {
    return undefined
  }
}
