/** Markdown to HTML: headings that can be linked to, and links that lead within the site. */
import { Marked, type Tokens } from 'marked'

export interface Heading {
  id: string
  text: string
  depth: number
}

export interface Rendered {
  html: string
  /** The first heading. */
  title: string
  headings: Heading[]
  /** The text under each heading, for the search. */
  passages: { id: string; heading: string; text: string }[]
}

/** @param resolve where a link or picture leads in the site; undefined where it leads nowhere there */
export function render(markdown: string, resolve: (href: string) => string | undefined): Rendered {
  const headings: Heading[] = []
  const ids = new Set<string>()
  const marked = new Marked({
    gfm: true,
    renderer: {
      heading({ tokens, depth }: Tokens.Heading) {
        const text = plain(this.parser.parseInline(tokens))
        const id = freshId(text, ids)
        headings.push({ id, text, depth })
        return `<h${depth} id="${id}"><a class="anchor" href="#${id}">${this.parser.parseInline(tokens)}</a></h${depth}>\n`
      },
      link({ href, tokens }: Tokens.Link) {
        const text = this.parser.parseInline(tokens)
        const target = resolve(href)
        return target === undefined ? text : `<a href="${escaped(target)}">${text}</a>`
      },
      image({ href, text }: Tokens.Image) {
        const target = resolve(href)
        return target === undefined ? escaped(text) : `<img src="${escaped(target)}" alt="${escaped(text)}">`
      },
      table(token: Tokens.Table) {
        const row = (cells: Tokens.TableCell[], tag: string) =>
          `<tr>${cells.map(({ tokens }) => `<${tag}>${this.parser.parseInline(tokens)}</${tag}>`).join('')}</tr>`
        const body = token.rows.map((cells) => row(cells, 'td')).join('\n')
        return `<div class="wide"><table><thead>${row(token.header, 'th')}</thead>\n<tbody>${body}</tbody></table></div>\n`
      },
    },
  })
  const html = marked.parse(markdown, { async: false })
  return { html, title: headings[0]?.text ?? '', headings, passages: passagesOf(html) }
}

/** As GitHub names headings, which the links in docs/ follow. */
function freshId(text: string, taken: Set<string>): string {
  const wanted = text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-')
  let id = wanted
  for (let count = 1; taken.has(id); count += 1) id = `${wanted}-${count}`
  taken.add(id)
  return id
}

/** The page cut at its headings. */
function passagesOf(html: string): Rendered['passages'] {
  return html.split(/(?=<h[1-4] id=")/).flatMap((part) => {
    const [, id = '', heading = '', rest = part] =
      /^<h[1-4] id="([^"]*)">(.*?)<\/h[1-4]>([\s\S]*)$/.exec(part) ?? []
    const text = plain(rest)
    return id === '' && text === '' ? [] : [{ id, heading: plain(heading), text }]
  })
}

/** The words of some HTML. */
export function plain(html: string): string {
  const text = html.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ')
  const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', '#39': "'", amp: '&' }
  return text.replace(/&(lt|gt|quot|#39|amp);/g, (_, name: string) => entities[name]!).trim()
}

export function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
