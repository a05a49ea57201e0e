/** Stores that give other bytes than were uploaded, or none: what is made of them is not kept. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { Bucket, BucketObject } from '../../../src/ports/bucket.ts'
import { png, RED } from '../../support/media/images.ts'
import { bucketOf, keysIn } from '../../support/media/stores.ts'
import { errorOf, transfersOf } from '../../support/media/transfers.ts'
import { serving } from '../../support/serving.ts'

const { server, alice, bob } = serving(['alice', 'bob'])
const { uploaded, get } = transfersOf(server, alice, bob)

/** Hashed before it is stored, and afterwards. */
const SIDES = [120, 700]

describe.each(SIDES)('a picture of %i pixels', (side) => {
  const picture = png(side, side, (x, y) => (side > 500 ? noise(x * side + y) : RED))
  let place: string
  let key: string
  let bucket: Bucket
  let object: BucketObject

  beforeEach(async () => {
    bucket = await bucketOf(server)
    place = await uploaded(picture as BodyInit, { type: 'image/png' })
    key = `media/${place.split('/')[1]}`
    object = (await bucket.head(key))!
  })

  const thumbnail = (size = 32) =>
    fetch(
      `${server.url}/_matrix/client/v1/media/thumbnail/${place}?width=${size}&height=${size}&method=crop`,
      { headers: { authorization: `Bearer ${bob.token}` } },
    )
  const made = () => keysIn(bucket, `thumbnails/${place.split('/')[1]}/`)

  it('is not judged by other bytes of its length', async () => {
    await bucket.put(key, new Uint8Array(picture.byteLength), object)
    expect(await errorOf(await thumbnail())).toEqual([502, 'M_UNKNOWN'])
    expect(await made()).toEqual([])
    await bucket.put(key, picture, object)
    expect((await thumbnail()).status).toBe(200)
  })

  it('is not judged by half of its bytes', async () => {
    await bucket.put(key, picture.subarray(0, picture.byteLength / 2), object)
    expect(await errorOf(await thumbnail())).toEqual([502, 'M_UNKNOWN'])
    await bucket.put(key, picture, object)
    expect((await thumbnail()).status).toBe(200)
    expect((await get(place)).status).toBe(200)
  })
})

/** What no compression makes small: the picture is larger than a mebibyte. */
function noise(n: number): [number, number, number, number] {
  const hash = Math.imul(n + 1, 2_654_435_761) ^ (n << 7)
  return [hash & 255, (hash >>> 8) & 255, (hash >>> 16) & 255, 255]
}
