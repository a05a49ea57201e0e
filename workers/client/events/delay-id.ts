/**
 * Ids of delayed events (MSC4140): a secret, the room that it leads to, and a code that only this server makes. They
 * are taken without a token, so nothing is asked about a room before the code has been checked.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Config } from '../../../src/ports/config.ts'
import { decodeBase64Url, encodeBase64Url } from '../../../src/protocol/base64.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'

/** Too many bits to be guessed. */
const CODE_BYTES = 16

type Keys = Pick<Config, 'tokenKeys' | 'retiredTokenKeys'>

/** An id for an event in the room, signed with the newest key. */
export function newDelayId({ tokenKeys }: Keys, secret: string, roomId: string): string {
  const [key] = tokenKeys
  if (key === undefined) throw new Error('There is no key to sign delay ids with')
  const body = `${secret}.${encodeBase64Url(new TextEncoder().encode(roomId))}`
  return `${body}.${encodeBase64Url(codeOf(key.secret, body))}`
}

/** The room to which an id of ours leads. @throws MatrixError M_NOT_FOUND */
export function roomOfDelayId({ tokenKeys, retiredTokenKeys }: Keys, delayId: string): string {
  const end = delayId.lastIndexOf('.')
  const body = delayId.slice(0, end)
  const given = decoded(delayId.slice(end + 1))
  const isOurs = [...tokenKeys, ...retiredTokenKeys].some(
    ({ secret }) => given?.length === CODE_BYTES && timingSafeEqual(codeOf(secret, body), given),
  )
  const room = isOurs ? decoded(body.slice(body.indexOf('.') + 1)) : undefined
  if (room === undefined) throw new MatrixError('M_NOT_FOUND', 'No such delayed event')
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(room)
}

function codeOf(secret: Uint8Array, body: string): Uint8Array {
  return createHmac('sha256', secret).update(`delayed event ${body}`).digest().subarray(0, CODE_BYTES)
}

function decoded(text: string): Uint8Array | undefined {
  try {
    return decodeBase64Url(text)
  } catch {
    return undefined
  }
}
