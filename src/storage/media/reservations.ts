/**
 * Media ids that are reserved for uploads to come, in a bucket. Each fact is an object of its own: R2 takes one write a
 * second for a key, and an id may be asked for, filled and finished in less.
 */
import type { Bucket, OnlyIf } from '../../ports/bucket.ts'
import type { Reservation, ReservationStore } from '../../ports/media.ts'
import { claimKey, pendingPrefix, reservationKey } from './keys.ts'

/** How long an upload keeps others out when nobody is left to tell that it failed. */
const CLAIM_MS = 10 * 60 * 1_000
/** R2's own bound on a list. */
const LISTED = 1_000
const NOTHING = new Uint8Array(0)

/** In the order of their ends. */
const pendingKey = (mediaId: string, { owner, expiresAt }: Reservation) =>
  `${pendingPrefix(owner)}${String(expiresAt).padStart(14, '0')}/${mediaId}`

export function reservations(bucket: Bucket): ReservationStore {
  return {
    async reserve(mediaId, reservation) {
      const { owner, expiresAt } = reservation
      const custom = { owner: encodeURIComponent(owner), expires_at: String(expiresAt) }
      await bucket.put(pendingKey(mediaId, reservation), NOTHING, { custom: {} })
      await bucket.put(reservationKey(mediaId), NOTHING, { custom })
    },
    async reservation(mediaId) {
      const object = await bucket.head(reservationKey(mediaId))
      const { owner, expires_at: expires } = object?.custom ?? {}
      return owner === undefined
        ? undefined
        : { owner: decodeURIComponent(owner), expiresAt: Number(expires) }
    },
    async pending(owner, now) {
      const prefix = pendingPrefix(owner)
      const { keys } = await bucket.list(prefix, LISTED)
      const kept = keys.map((key) => {
        const [expiresAt, mediaId = ''] = key.slice(prefix.length).split('/')
        return { key, mediaId, expiresAt: Number(expiresAt) }
      })
      const over = kept.filter(({ expiresAt }) => expiresAt <= now)
      if (over.length > 0) {
        // The list of the keys goes last: what this leaves behind is found again.
        await bucket.remove(over.map(({ mediaId }) => reservationKey(mediaId)))
        await bucket.remove(over.map(({ key }) => key))
      }
      return kept.filter(({ expiresAt }) => expiresAt > now).map(({ expiresAt }) => expiresAt)
    },
    async claim(mediaId, now) {
      const key = claimKey(mediaId)
      // Buckets compare etags, which are hashes of the body: each claim has a body of its own.
      const body = () => new TextEncoder().encode(crypto.randomUUID())
      const put = (onlyIf: OnlyIf) => bucket.put(key, body(), { custom: { claimed_at: String(now) } }, onlyIf)
      if (await put('absent')) return true
      const other = await bucket.head(key)
      // That upload has ended since. It was broken off where the id is still kept, and this one may have it.
      if (other === undefined)
        return (await bucket.head(reservationKey(mediaId))) !== undefined && put('absent')
      if (now - Number(other.custom.claimed_at) < CLAIM_MS) return false
      return put({ etag: other.etag })
    },
    async unclaim(mediaId) {
      await bucket.remove([claimKey(mediaId)])
    },
    async release(mediaId, reservation) {
      await bucket.remove([reservationKey(mediaId), claimKey(mediaId), pendingKey(mediaId, reservation)])
    },
  }
}
