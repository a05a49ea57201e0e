/** What the first bytes of pictures say, and that broken ones say nothing wrong. */
import { expect, it } from 'vitest'
import { readImageHeader } from '../../../src/media/image-header.ts'

const bytes = (...parts: (string | number[])[]) =>
  Uint8Array.from(
    parts.flatMap((part) => (typeof part === 'string' ? [...Buffer.from(part, 'latin1')] : part)),
  )

const size = { width: 258, height: 3 }
const png = bytes('\x89PNG\r\n\x1a\n', [0, 0, 0, 13], 'IHDR', [0, 0, 1, 2, 0, 0, 0, 3])
const gif = bytes('GIF89a', [2, 1, 3, 0, 0, 0, 0, 0x3b])
const jpeg = bytes(
  [0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 1],
  // Padding before a marker, and a table of Huffman codes, which is no frame.
  [0xff, 0xff, 0xc4, 0, 3, 9],
  [0xff, 0xc2, 0, 11, 8, 0, 3, 1, 2],
)
const riff = bytes('RIFF', [0, 0, 0, 0], 'WEBP')
const lossy = bytes([...riff], 'VP8 ', [0, 0, 0, 0, 0, 0, 0, 0x9d, 1, 0x2a, 2, 1, 3, 0])
const lossless = bytes([...riff], 'VP8L', [0, 0, 0, 0, 0x2f, 0x01, 0x81, 0, 0])
const extended = bytes([...riff], 'VP8X', [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 2, 0, 0])

it.each([
  ['PNG', png, 'image/png'],
  ['GIF', gif, 'image/gif'],
  ['JPEG', jpeg, 'image/jpeg'],
  ['lossy WebP', lossy, 'image/webp'],
  ['lossless WebP', lossless, 'image/webp'],
  ['extended WebP', extended, 'image/webp'],
])('%s tells its size', (_, picture, contentType) => {
  expect(readImageHeader(picture)).toEqual({ contentType, animated: false, orientation: 1, ...size })
})

it.each(['', 'BM', '<svg/>', '<html>', '\xff\xd8'])('“%s” is no picture to show', (text) => {
  expect(readImageHeader(bytes(text))).toBeUndefined()
})

const chunk = (name: string, data: number[]) => bytes([0, 0, 0, data.length], name, data, [0, 0, 0, 0])
const frames = (count: number) => [...chunk('acTL', [0, 0, 0, count, 0, 0, 0, 0])]
const ofChunks = (...chunks: number[][]) =>
  bytes('\x89PNG\r\n\x1a\n', [...chunk('IHDR', [0, 0, 1, 2, 0, 0, 0, 3, 8, 6, 0, 0, 0])], ...chunks)
const data = [...chunk('IDAT', [1, 2])]
const inGif = (count: number) => {
  const one = [0x2c, 0, 0, 0, 0, 2, 1, 3, 0, 0, 2, 1, 9, 0]
  return bytes('GIF89a', [2, 1, 3, 0, 0, 0, 0], ...Array.from({ length: count }, () => one), [0x3b])
}

it.each([
  ['a PNG of two frames', ofChunks(frames(2), data), true],
  ['a PNG of one frame', ofChunks(frames(1), data), false],
  ['a PNG that tells of its frames after the picture', ofChunks(data, frames(2)), false],
  ['a GIF of two pictures', inGif(2), true],
  ['a GIF of one picture', inGif(1), false],
])('%s: whether it moves', (_, picture, animated) => {
  expect(readImageHeader(picture)).toMatchObject({ animated, ...size })
})
