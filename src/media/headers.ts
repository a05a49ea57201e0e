/** How media are shown to a browser: nothing that a user uploaded may act as a page of this server. */

/** Client-Server API §Serving inline content: what may be shown in place; everything else is a file to save. */
const INLINE: ReadonlySet<string> = new Set([
  'text/css',
  'text/plain',
  'text/csv',
  'application/json',
  'application/ld+json',
  'image/jpeg',
  'image/gif',
  'image/png',
  'image/apng',
  'image/webp',
  'image/avif',
  'video/mp4',
  'video/webm',
  'video/ogg',
  'video/quicktime',
  'audio/mp4',
  'audio/webm',
  'audio/aac',
  'audio/mpeg',
  'audio/ogg',
  'audio/wave',
  'audio/wav',
  'audio/x-wav',
  'audio/x-pn-wav',
  'audio/flac',
  'audio/x-flac',
])

/** "Recommended" by the specification, word for word. */
const POLICY =
  "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; object-src 'self';"

const MEDIA_TYPE = /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+(?:\s*;\s*[\w-]+=(?:[\w.-]+|"[^"\\\r\n]*"))*$/
const MAX_TYPE_LENGTH = 255
export const UNKNOWN_TYPE = 'application/octet-stream'

/** The type that the uploader gave, if it is valid; otherwise a type that says nothing. */
export function contentTypeOf(given: string | undefined): string {
  return given !== undefined && given.length <= MAX_TYPE_LENGTH && MEDIA_TYPE.test(given)
    ? given
    : UNKNOWN_TYPE
}

/** The headers of a download. */
export function mediaHeaders(contentType: string, fileName: string | undefined): Record<string, string> {
  return {
    'Content-Type': contentType,
    'Content-Disposition': disposition(contentType, fileName),
    'Content-Security-Policy': POLICY,
    'Cross-Origin-Resource-Policy': 'cross-origin',
    // An id never stands for other bytes. They are for the client that asked, and for no cache between.
    'Cache-Control': 'private, max-age=86400, immutable',
    'Accept-Ranges': 'bytes',
  }
}

/** RFC 6266: the name in ASCII for old readers, and in UTF-8. */
export function disposition(contentType: string, fileName: string | undefined): string {
  const type = contentType.split(';', 1)[0]!.trim().toLowerCase()
  const kind = INLINE.has(type) ? 'inline' : 'attachment'
  if (fileName === undefined || fileName === '') return kind
  const plain = fileName.replace(/[^\x20-\x7e]|["\\%]/g, '_')
  const isPlain = plain === fileName
  return isPlain
    ? `${kind}; filename="${plain}"`
    : `${kind}; filename="${plain}"; filename*=UTF-8''${encoded(fileName)}`
}

/** RFC 8187: more is escaped than `encodeURIComponent` does. A lone surrogate has no UTF-8 at all. */
function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /['()*!]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
