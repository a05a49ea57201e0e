/** Unpadded base64 in both alphabets, as the protocol writes binary data. Appendices §Unpadded Base64. */
import { Buffer } from 'node:buffer'
import { MatrixError } from './errors.ts'

const STANDARD = /^([A-Za-z0-9+/]*)={0,2}$/
const URL_SAFE = /^([A-Za-z0-9_-]*)={0,2}$/

/** Encodes bytes in the standard alphabet, without padding. */
export function encodeBase64(bytes: Uint8Array): string {
  return unpad(asBuffer(bytes).toString('base64'))
}

/** Encodes bytes in the URL-safe alphabet, without padding. */
export function encodeBase64Url(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('base64url')
}

/**
 * Decodes the standard alphabet, padded or not.
 * @throws MatrixError M_INVALID_PARAM where the text is not base64
 */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  return decode(text, STANDARD)
}

/**
 * Decodes the URL-safe alphabet, padded or not.
 * @throws MatrixError M_INVALID_PARAM where the text is not base64
 */
export function decodeBase64Url(text: string): Uint8Array<ArrayBuffer> {
  return decode(text, URL_SAFE)
}

/** Takes the padding off. */
export function unpad(base64: string): string {
  const end = base64.indexOf('=')
  return end === -1 ? base64 : base64.slice(0, end)
}

/** Leftover bits in the last character are ignored: the specification's own test seed has some. */
function decode(text: string, alphabet: RegExp): Uint8Array<ArrayBuffer> {
  const digits = alphabet.exec(text)?.[1]
  // One digit alone carries six bits, which is no byte.
  if (digits === undefined || digits.length % 4 === 1) {
    throw new MatrixError('M_INVALID_PARAM', 'Not valid base64')
  }
  // A copy: a Buffer may be a window on a pool that others share.
  return Uint8Array.from(Buffer.from(digits, 'base64'))
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
