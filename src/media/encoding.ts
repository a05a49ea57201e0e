/** In which encoding a page is written: HTML §Determining the character encoding. */

/** "User agents should … apply the algorithm to the first 1024 bytes." */
const LOOKED_AT = 1_024
/** If nothing is declared and it is not UTF-8: most such pages are written in this. */
const FALLBACK = 'windows-1252'

/**
 * The text of a page: by its byte order mark, by the header, or by its own declaration; otherwise as UTF-8 if it is
 * valid.
 */
export function decodePage(bytes: Uint8Array, contentType: string): string {
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, LOOKED_AT))
  const named =
    markOf(bytes) ?? encodingOf(charsetIn(contentType)) ?? encodingOf(xmlEncoding(start)) ?? inMeta(start)
  if (named !== undefined) return new TextDecoder(named).decode(bytes)
  try {
    // The last character may be cut off.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes, { stream: true })
  } catch {
    return new TextDecoder(FALLBACK).decode(bytes)
  }
}

function markOf([first, second, third]: Uint8Array): string | undefined {
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8'
  if (first === 0xfe && second === 0xff) return 'utf-16be'
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  return undefined
}

/** Undefined for a name that no encoding has. */
function encodingOf(label: string | undefined): string | undefined {
  if (label === undefined) return undefined
  try {
    return new TextDecoder(label.trim()).encoding
  } catch {
    return undefined
  }
}

/** A media type's, or that of what a `meta` says in its place. */
function charsetIn(text: string): string | undefined {
  const [, double, single, bare] =
    /charset[\t\n\f\r ]*=[\t\n\f\r ]*(?:"([^"]*)"|'([^']*)'|([^\t\n\f\r ;"']+))/i.exec(text) ?? []
  return double ?? single ?? bare
}

function xmlEncoding(start: string): string | undefined {
  return /^<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z][\w.-]*)["'][^>]*>/.exec(start)?.[1]
}

const COMMENT = /<!--/y
const META = /<meta(?=[\t\n\f\r /])/iy
const TAG = /<\/?[a-z][^\t\n\f\r />]*/iy
const OTHER = /<[!/?][^>]*>/y
const ATTRIBUTE =
  /[\t\n\f\r /]*([^\t\n\f\r />=][^\t\n\f\r />=]*)(?:[\t\n\f\r ]*=[\t\n\f\r ]*(?:"([^"]*)"|'([^']*)'|([^\t\n\f\r >"'][^\t\n\f\r >]*)))?/y

/** HTML §Prescan a byte stream: what a `meta` outside of comments and of other tags says. */
function inMeta(start: string): string | undefined {
  for (let at = start.indexOf('<'); at !== -1; at = start.indexOf('<', at)) {
    if (matches(COMMENT, start, at)) {
      // "<!-->" is one that has ended.
      const end = start.indexOf('-->', at + 2)
      if (end === -1) return undefined
      at = end + 3
      continue
    }
    const isMeta = matches(META, start, at)
    const tag = isMeta ? META : TAG
    if (!isMeta && !matches(TAG, start, at)) {
      at = matches(OTHER, start, at) ? OTHER.lastIndex : at + 1
      continue
    }
    const { attributes, end } = attributesAt(start, tag.lastIndex)
    // One that is cut off by the end of what is looked at says nothing.
    if (end >= start.length) return undefined
    const encoding = isMeta ? encodingOfMeta(attributes) : undefined
    if (encoding !== undefined) return encoding
    at = end
  }
  return undefined
}

function matches(pattern: RegExp, text: string, at: number): boolean {
  pattern.lastIndex = at
  return pattern.test(text)
}

/** Of two with one name the first counts. */
function attributesAt(text: string, from: number): { attributes: Map<string, string>; end: number } {
  const attributes = new Map<string, string>()
  let end = from
  for (;;) {
    ATTRIBUTE.lastIndex = end
    const found = ATTRIBUTE.exec(text)
    if (found === null) return { attributes, end }
    end = ATTRIBUTE.lastIndex
    const [, name = '', double, single, bare] = found
    if (!attributes.has(name.toLowerCase()))
      attributes.set(name.toLowerCase(), double ?? single ?? bare ?? '')
  }
}

function encodingOfMeta(attributes: Map<string, string>): string | undefined {
  const isPragma = attributes.get('http-equiv')?.toLowerCase() === 'content-type'
  const label =
    attributes.get('charset') ?? (isPragma ? charsetIn(attributes.get('content') ?? '') : undefined)
  if (label?.trim().toLowerCase() === 'x-user-defined') return FALLBACK
  const encoding = encodingOf(label)
  // What could be read so far is no UTF-16.
  return encoding?.startsWith('utf-16') ? 'utf-8' : encoding
}
