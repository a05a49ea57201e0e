/**
 * Media ids that are reserved for uploads to come, in R2. Each fact is an object of its own: R2 takes one write a
 * second for a key, and an id may be asked for, filled and finished in less.
 */
import type { Reservation, ReservationStore } from '../ports/media.ts'

/** How long an upload keeps others out when nobody is left to tell that it failed. */
const CLAIM_MS = 10 * 60 * 1_000
/** R2's own bound on a list and on a deletion. */
const LISTED = 1_000

const reservationKey = (mediaId: string) => `reserved/${mediaId}`
const claimKey = (mediaId: string) => `claimed/${mediaId}`
const ownersPrefix = (owner: string) => `pending/${encodeURIComponent(owner)}/`
/** In the order of their ends. */
const pendingKey = (mediaId: string, { owner, expiresAt }: Reservation) =>
  `${ownersPrefix(owner)}${String(expiresAt).padStart(14, '0')}/${mediaId}`

export function r2Reservations(bucket: R2Bucket): ReservationStore {
  return {
    async reserve(mediaId, reservation) {
      const { owner, expiresAt } = reservation
      const customMetadata = { owner: encodeURIComponent(owner), expires_at: String(expiresAt) }
      await bucket.put(pendingKey(mediaId, reservation), new Uint8Array(0))
      await bucket.put(reservationKey(mediaId), new Uint8Array(0), { customMetadata })
    },
    async reservation(mediaId) {
      const object = await bucket.head(reservationKey(mediaId))
      const { owner, expires_at: expires } = object?.customMetadata ?? {}
      return owner === undefined
        ? undefined
        : { owner: decodeURIComponent(owner), expiresAt: Number(expires) }
    },
    async pending(owner, now) {
      const { objects } = await bucket.list({ prefix: ownersPrefix(owner), limit: LISTED })
      const kept = objects.map(({ key }) => {
        const [expiresAt, mediaId = ''] = key.slice(ownersPrefix(owner).length).split('/')
        return { key, mediaId, expiresAt: Number(expiresAt) }
      })
      const over = kept.filter(({ expiresAt }) => expiresAt <= now)
      if (over.length > 0) {
        // The list of the keys goes last: what this leaves behind is found again.
        await bucket.delete(over.map(({ mediaId }) => reservationKey(mediaId)))
        await bucket.delete(over.map(({ key }) => key))
      }
      return kept.filter(({ expiresAt }) => expiresAt > now).map(({ expiresAt }) => expiresAt)
    },
    async claim(mediaId, now) {
      const key = claimKey(mediaId)
      // R2 compares etags, which are hashes of the body: each claim has a body of its own.
      const put = (onlyIf: R2Conditional) =>
        bucket.put(key, crypto.randomUUID(), { customMetadata: { claimed_at: String(now) }, onlyIf })
      if ((await put({ etagDoesNotMatch: '*' })) !== null) return true
      const other = await bucket.head(key)
      if (other === null || now - Number(other.customMetadata?.claimed_at) < CLAIM_MS) return false
      return (await put({ etagMatches: other.etag })) !== null
    },
    async unclaim(mediaId) {
      await bucket.delete(claimKey(mediaId))
    },
    async release(mediaId, reservation) {
      await bucket.delete([reservationKey(mediaId), claimKey(mediaId), pendingKey(mediaId, reservation)])
    },
  }
}
