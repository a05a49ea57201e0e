/** Client-Server API §Content Repository, previews of URLs: what a page says of itself, with its picture among our media. */
import { createHmac } from 'node:crypto'
import { decodeHTML } from 'entities'
import * as z from 'zod'
import type { Ports } from '../ports/ports.ts'
import type { PreviewOutcome } from '../ports/web.ts'
import { MatrixError } from '../protocol/errors.ts'
import type { JsonObject } from '../protocol/events/canonical-json.ts'
import { decodePage } from './encoding.ts'
import { readImageHeader, uprightSize } from './image-header.ts'
import { type Page, readPage } from './page.ts'
import { countPicture, largestPicture } from './preview-pictures.ts'
import { webAddress } from './web-address.ts'
import { type Found, forbidden, type Look, open, readPart, typeOf, unreachable } from './web-reader.ts'

type PreviewPorts = Pick<Ports, 'web' | 'previews' | 'media' | 'previewPictures' | 'config' | 'clock' | 'log'>
interface Looking extends Look {
  ports: PreviewPorts
  /** The user whose quota its picture counts for. */
  userId: string
}

/** For everything that one preview reads. */
const LOOK_MS = 10_000
const MAX_PAGE_BYTES = 1_000_000
const MAX_OEMBED_BYTES = 100_000
const MAX_IMAGE_BYTES = 5_000_000
const FRESH_S = 3_600
/** A site that is down for a moment is looked at again soon; one that everybody asks for is not asked each time. */
const FAILURE_FRESH_S = 60

const PAGE_TYPES: ReadonlySet<string> = new Set(['text/html', 'application/xhtml+xml'])
const ACCEPT = 'text/html, application/xhtml+xml, image/*;q=0.9'
const ACCEPT_IMAGE = 'image/webp, image/png, image/jpeg, image/gif'

/** Where each text of a preview comes from, the best first, and how many characters of it are kept. */
const TEXTS: { name: string; from: string[]; most: number }[] = [
  { name: 'og:title', from: ['og:title', 'twitter:title'], most: 300 },
  { name: 'og:description', from: ['og:description', 'twitter:description', 'description'], most: 1_000 },
  { name: 'og:site_name', from: ['og:site_name'], most: 100 },
  { name: 'og:type', from: ['og:type'], most: 50 },
  { name: 'og:locale', from: ['og:locale'], most: 20 },
  { name: 'og:image:alt', from: ['og:image:alt'], most: 300 },
]
const IMAGES = ['og:image:secure_url', 'og:image', 'og:image:url', 'twitter:image', 'twitter:image:src']

/** The preview of a URL, from the cache where it is fresh. @throws MatrixError M_INVALID_PARAM, M_FORBIDDEN, M_UNKNOWN with 502 */
export async function previewOf(ports: PreviewPorts, given: string, userId: string): Promise<JsonObject> {
  const url = webAddress(given, { privateAllowed: ports.config.allowPrivateNetworks })
  if (url === 'invalid') throw new MatrixError('M_INVALID_PARAM', 'url must be an http or https URL')
  if (url === 'forbidden') throw forbidden()
  const known = await ports.previews.find(url.href).catch(() => undefined)
  const outcome = known ?? (await lookAt(ports, url, userId))
  if (known === undefined) {
    const seconds = 'preview' in outcome ? FRESH_S : FAILURE_FRESH_S
    await ports.previews.put(url.href, outcome, seconds).catch(() => undefined)
  }
  if ('preview' in outcome) return outcome.preview
  throw outcome.failure === 'forbidden' ? forbidden() : unreachable()
}

async function lookAt(ports: PreviewPorts, url: URL, userId: string): Promise<PreviewOutcome> {
  const stop = new AbortController()
  const timer = setTimeout(() => stop.abort(), LOOK_MS)
  const { web, config, log } = ports
  const looking = { ports, userId, web, privateAllowed: config.allowPrivateNetworks, signal: stop.signal }
  try {
    return { preview: await describe(looking, await open(looking, url, ACCEPT)) }
  } catch (error) {
    if (!(error instanceof MatrixError)) log.warn('a preview failed', { reason: String(error) })
    const isForbidden = error instanceof MatrixError && error.errcode === 'M_FORBIDDEN'
    return { failure: isForbidden ? 'forbidden' : 'unreachable' }
  } finally {
    clearTimeout(timer)
    // Lets go of what was opened and not read.
    stop.abort()
  }
}

async function describe(looking: Looking, found: Found): Promise<JsonObject> {
  const type = typeOf(found.response)
  if (type.startsWith('image/')) return keepImage(looking, found)
  if (!PAGE_TYPES.has(type)) return {}
  // What describes a page stands in its head, so the beginning will do.
  const { bytes } = await readPart(found.response, MAX_PAGE_BYTES)
  const page = await readPage(decodePage(bytes, found.response.headers.get('content-type') ?? ''))
  return describePage(looking, page, baseOf(page, found.url))
}

/** HTML §Document base URLs. */
function baseOf({ base }: Page, url: URL): URL {
  const named = base === undefined ? null : URL.parse(base, url.href)
  return named !== null && /^https?:$/.test(named.protocol) ? named : url
}

async function describePage(looking: Looking, page: Page, base: URL): Promise<JsonObject> {
  const preview: JsonObject = {}
  const put = (name: string, text: string | undefined, most: number) => {
    const kept = text === undefined ? '' : shortened(text, most)
    if (kept !== '') preview[name] ??= kept
  }
  for (const { name, from, most } of TEXTS) put(name, firstOf(page, from), most)
  let image = firstOf(page, IMAGES) ?? page.image
  if (page.oembed !== undefined && (preview['og:title'] === undefined || image === undefined)) {
    const oembed = await readOembed(looking, page.oembed, base)
    // Many write them as they would in a page.
    put('og:title', oembed.title && decodeHTML(oembed.title), 300)
    put('og:site_name', oembed.provider_name && decodeHTML(oembed.provider_name), 100)
    image ??= (oembed.type === 'photo' ? oembed.url : undefined) ?? oembed.thumbnail_url
  }
  put('og:title', page.title, 300)
  const isTold = Object.keys(preview).length > 0
  const url = webAddress(page.meta.get('og:url') ?? '', { privateAllowed: looking.privateAllowed, base })
  if (isTold && page.meta.has('og:url') && url instanceof URL) preview['og:url'] = url.href
  const kept = image === undefined ? {} : await readImage(looking, image, base)
  if (kept['og:image'] === undefined) delete preview['og:image:alt']
  return { ...preview, ...kept }
}

const text = z.string().optional().catch(undefined)
/** oEmbed 1.0 §2.3.4: "the response parameters". */
const Oembed = z.object({ type: text, title: text, provider_name: text, thumbnail_url: text, url: text })

/** Nothing if there is none: the page has said that it has one, and may be wrong. */
async function readOembed(looking: Looking, href: string, base: URL): Promise<z.infer<typeof Oembed>> {
  const nothing = Oembed.parse({})
  const found = await openBeside(looking, href, base, 'application/json+oembed, application/json')
  if (found === undefined || !/^application\/json(\+oembed)?$/.test(typeOf(found.response))) return nothing
  const read = await readPart(found.response, MAX_OEMBED_BYTES).catch(() => undefined)
  if (read?.isWhole !== true) return nothing
  try {
    return Oembed.parse(JSON.parse(new TextDecoder().decode(read.bytes)))
  } catch {
    return nothing
  }
}

async function readImage(looking: Looking, href: string, base: URL): Promise<JsonObject> {
  const found = await openBeside(looking, href, base, ACCEPT_IMAGE)
  if (found === undefined) return {}
  return keepImage(looking, found).catch((error) => {
    if (error instanceof MatrixError) return {}
    throw error
  })
}

/** What a page names beside itself is checked as the page was. The page is still shown without it. */
async function openBeside(
  looking: Looking,
  href: string,
  base: URL,
  accept: string,
): Promise<Found | undefined> {
  const url = webAddress(href, { privateAllowed: looking.privateAllowed, base })
  return url instanceof URL ? open(looking, url, accept).catch(() => undefined) : undefined
}

/**
 * Stores a picture as the server's own, and describes it. Its id comes from its bytes, so that the same picture is
 * stored once, and from a secret, so that the id tells nobody what others have looked at.
 */
async function keepImage({ ports, userId }: Looking, { response }: Found): Promise<JsonObject> {
  const { media, config } = ports
  const limit = Math.min(MAX_IMAGE_BYTES, config.maxUploadBytes, largestPicture(config))
  const { bytes, isWhole } = await readPart(response, limit)
  const header = isWhole ? readImageHeader(bytes) : undefined
  if (header === undefined) return {}
  const { contentType } = header
  const { width, height } = uprightSize(header)
  const mediaId = createHmac('sha256', config.tokenKeys[0]!.secret).update(bytes).digest('base64url')
  // Counted before it is stored: a picture that is stored and not counted would stay for ever.
  await countPicture(ports, { mediaId, owner: userId, size: bytes.byteLength })
  const body = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream()
  await media.put(mediaId, { owner: '', contentType }, { body, length: bytes.byteLength, limit })
  return {
    'og:image': `mxc://${config.serverName}/${mediaId}`,
    'og:image:type': contentType,
    'matrix:image:size': bytes.byteLength,
    'og:image:width': width,
    'og:image:height': height,
  }
}

function firstOf({ meta }: Page, names: string[]): string | undefined {
  return names.map((name) => meta.get(name)).find((content) => content !== undefined)
}

/** On one line, and not cut within a character. */
function shortened(given: string, most: number): string {
  const line = given
    .slice(0, 8 * most)
    .toWellFormed()
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
  return Array.from(line).slice(0, most).join('')
}
