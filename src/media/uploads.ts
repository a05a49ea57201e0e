/** Uploading media: at once, or for an id that was asked for before. */
import type { MediaFacts } from '../ports/media.ts'
import type { Ports } from '../ports/ports.ts'
import { MatrixError } from '../protocol/errors.ts'
import { enter, requireRoom } from './quota.ts'

type MediaPorts = Pick<Ports, 'media' | 'config' | 'clock' | 'random'>
type UploadPorts = MediaPorts & Pick<Ports, 'mediaIndex' | 'log'>

export interface Upload {
  facts: MediaFacts
  body: ReadableStream<Uint8Array> | null
  /** Bytes, where the sender has said how many there will be. */
  length: number | undefined
}

/** 24 characters of 62: nobody guesses one. */
const ID_LENGTH = 24
/** "The recommended default expiration is 24 hours." */
const UNUSED_LIFETIME_MS = 24 * 60 * 60 * 1_000
/**
 * "Servers should limit the number of pending media uploads a given user can have." Requests at the same moment may
 * each find the last one free, so there can be a few more.
 */
const MAX_PENDING = 50
/** How often a download looks whether its upload has come. */
const LOOK_AGAIN_MS = 250

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** Stores an upload. Answers its id. @throws MatrixError M_TOO_LARGE, M_FORBIDDEN past the user's quota */
export async function upload(ports: UploadPorts, given: Upload): Promise<string> {
  const mediaId = ports.random.token(ID_LENGTH)
  await store(ports, mediaId, given)
  return mediaId
}

/**
 * Keeps an id for an upload to come. Answers it, and when it expires (ms).
 * @throws MatrixError M_LIMIT_EXCEEDED
 */
export async function reserveUpload(
  { media, clock, random }: MediaPorts,
  owner: string,
): Promise<{ mediaId: string; expiresAt: number }> {
  const now = clock.now()
  const pending = await media.pending(owner, now)
  if (pending.length >= MAX_PENDING) {
    throw new MatrixError('M_LIMIT_EXCEEDED', `At most ${MAX_PENDING} media IDs may wait for their upload`, {
      extra: { retry_after_ms: pending[0]! - now },
    })
  }
  const mediaId = random.token(ID_LENGTH)
  const expiresAt = now + UNUSED_LIFETIME_MS
  await media.reserve(mediaId, { owner, expiresAt })
  return { mediaId, expiresAt }
}

/**
 * Stores the upload that an id was reserved for.
 * @throws MatrixError M_CANNOT_OVERWRITE_MEDIA, M_NOT_FOUND for an id that was never kept or has expired,
 *   M_FORBIDDEN for one that was kept for somebody else or passes the user's quota, M_TOO_LARGE
 */
export async function uploadReserved(ports: UploadPorts, mediaId: string, given: Upload): Promise<void> {
  const { media, clock } = ports
  const reservation = await media.reservation(mediaId)
  if (reservation !== undefined && reservation.owner !== given.facts.owner) {
    throw new MatrixError('M_FORBIDDEN', 'This media ID was created by somebody else')
  }
  if (reservation === undefined || reservation.expiresAt <= clock.now()) {
    const stored = await media.find(mediaId)
    if (stored?.owner === given.facts.owner) throw overwrites()
    throw new MatrixError('M_NOT_FOUND', 'There is no such media ID, or it has expired')
  }
  if (!(await media.claim(mediaId, clock.now()))) throw overwrites()
  try {
    await store(ports, mediaId, given)
  } catch (error) {
    await media.unclaim(mediaId)
    throw error
  }
  // An id without a reservation that has bytes is a finished upload, so the order matters where this is cut off.
  await media.release(mediaId, reservation)
}

/**
 * Waits for the upload of an id that was kept.
 * @throws MatrixError M_NOT_FOUND where there is no such id, M_NOT_YET_UPLOADED when the time (ms) is over
 */
export async function awaitUpload(ports: MediaPorts, mediaId: string, timeoutMs: number) {
  const { media, clock } = ports
  const deadline = clock.now() + timeoutMs
  for (;;) {
    const stored = await media.find(mediaId)
    if (stored !== undefined) return stored
    const reservation = await media.reservation(mediaId)
    if (reservation === undefined || reservation.expiresAt <= clock.now()) throw unknownMedia()
    const left = deadline - clock.now()
    if (left <= 0) throw new MatrixError('M_NOT_YET_UPLOADED', 'The media has not been uploaded yet')
    await sleep(Math.min(left, LOOK_AGAIN_MS))
  }
}

export function unknownMedia(): MatrixError {
  return new MatrixError('M_NOT_FOUND', 'Media not found')
}

function overwrites(): MatrixError {
  return new MatrixError('M_CANNOT_OVERWRITE_MEDIA', 'There is media under this ID already')
}

async function store(ports: UploadPorts, mediaId: string, { facts, body, length }: Upload): Promise<void> {
  const limit = ports.config.maxUploadBytes
  if (length === undefined || length <= limit) await requireRoom(ports, facts.owner, length)
  const outcome = await ports.media.put(mediaId, facts, { body, length, limit })
  if (outcome === 'too_large') throw new MatrixError('M_TOO_LARGE', `An upload has at most ${limit} bytes`)
  if (outcome === 'exists') throw overwrites()
  await enter(ports, mediaId, facts, outcome)
}
