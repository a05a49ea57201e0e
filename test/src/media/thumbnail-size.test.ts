/** Which size a thumbnail has, and what of the picture it shows. */
import { expect, it } from 'vitest'
import { cutFor, thumbnailBox } from '../../../src/media/thumbnail-size.ts'

it.each([
  ['scale', 320, 240, { width: 320, height: 240 }],
  ['scale', 320, 241, { width: 640, height: 480 }],
  ['scale', 321, 240, { width: 640, height: 480 }],
  ['crop', 320, 241, { width: 320, height: 320 }],
  ['scale', 1601, 1, undefined],
  ['crop', 1, 1601, undefined],
] as const)('the size for %s %i×%i is the smallest that covers both', (method, width, height, box) => {
  expect(thumbnailBox(method, { width, height })).toEqual(box)
})

it.each([
  [
    { width: 1_000, height: 1 },
    { width: 32, height: 1 },
  ],
  [
    { width: 1, height: 1_000 },
    { width: 1, height: 32 },
  ],
  [
    { width: 64, height: 48 },
    { width: 32, height: 24 },
  ],
])('%j is scaled to %j, and never to nothing', (image, target) => {
  expect(cutFor(image, { width: 32, height: 32 }, 'scale')?.target).toEqual(target)
})

it('a cropped picture shows the middle of the source', () => {
  expect(cutFor({ width: 400, height: 200 }, { width: 100, height: 100 }, 'crop')).toEqual({
    source: { x: 100, y: 0, width: 200, height: 200 },
    target: { width: 100, height: 100 },
  })
})
