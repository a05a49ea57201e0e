/** Images for tests, made here: each pixel is known. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { deflateSync } from 'node:zlib'
import decodeJpeg, { init as initJpegDecoder } from '@jsquash/jpeg/decode.js'
import encodeJpeg, { init as initJpegEncoder } from '@jsquash/jpeg/encode.js'
import decodePng, { init as initPng } from '@jsquash/png/decode.js'
import encodeWebp, { init as initWebp } from '@jsquash/webp/encode.js'
import { GIFEncoder } from 'gifenc'
import { GifReader } from 'omggif'

export type Colour = [red: number, green: number, blue: number, alpha: number]
export type Paint = (x: number, y: number) => Colour

export const RED: Colour = [255, 0, 0, 255]
export const GREEN: Colour = [0, 255, 0, 255]
export const BLUE: Colour = [0, 0, 255, 255]
export const CLEAR: Colour = [0, 0, 0, 0]

/** Left half in one colour, right half in another. */
export const halves =
  (width: number, left: Colour, right: Colour): Paint =>
  (x) =>
    x < width / 2 ? left : right

function pixels(width: number, height: number, paint: Paint): Uint8Array {
  const data = new Uint8Array(width * height * 4)
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) data.set(paint(x, y), (y * width + x) * 4)
  }
  return data
}

export function png(width: number, height: number, paint: Paint): Uint8Array {
  const data = pixels(width, height, paint)
  const rows = Buffer.alloc((width * 4 + 1) * height)
  for (let y = 0; y < height; y += 1) {
    rows.set(data.subarray(y * width * 4, (y + 1) * width * 4), y * (width * 4 + 1) + 1)
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 6], 8)
  const chunks = [chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...chunks])
}

function chunk(name: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data])
  const out = Buffer.alloc(body.length + 8)
  out.writeUInt32BE(data.length, 0)
  out.set(body, 4)
  out.writeUInt32BE(crc32(body), body.length + 4)
  return out
}

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return (crc ^ 0xffffffff) >>> 0
}

/** Frames of one colour each, a tenth of a second long. */
export function gif(width: number, height: number, frames: readonly Colour[]): Uint8Array {
  const encoder = GIFEncoder()
  for (const [red, green, blue] of frames) {
    const palette = [
      [red, green, blue],
      [0, 0, 0],
    ]
    encoder.writeFrame(new Uint8Array(width * height), width, height, {
      palette,
      delay: 100,
      repeat: 0,
      dispose: 1,
    })
  }
  encoder.finish()
  return encoder.bytes()
}

/** The class of browsers in which the codecs speak of pictures. */
class PlainImageData {
  readonly colorSpace = 'srgb'
  readonly data: Uint8ClampedArray
  readonly width: number
  readonly height: number

  constructor(data: Uint8ClampedArray, width: number, height = data.length / 4 / width) {
    this.data = data
    this.width = width
    this.height = height
  }
}
Object.assign(globalThis, { ImageData: PlainImageData })

const compiled = (path: string) =>
  WebAssembly.compile(readFileSync(fileURLToPath(import.meta.resolve(`@jsquash/${path}`))))
const picture = (width: number, height: number, paint: Paint) =>
  new PlainImageData(
    new Uint8ClampedArray(pixels(width, height, paint)),
    width,
    height,
  ) as unknown as ImageData

/** @param orientation as EXIF counts it: 6 is a camera held upright, whose picture is to be turned to the right */
export async function jpeg(
  width: number,
  height: number,
  paint: Paint,
  orientation?: number,
): Promise<Uint8Array> {
  await initJpegEncoder(await compiled('jpeg/codec/enc/mozjpeg_enc.wasm'))
  const bytes = new Uint8Array(await encodeJpeg(picture(width, height, paint), { quality: 95 }))
  if (orientation === undefined) return bytes
  const exif = Buffer.from(
    `457869660000 4d4d002a00000008 0001 0112000300000001 000${orientation}0000 00000000`.replaceAll(' ', ''),
    'hex',
  )
  const length = Buffer.from([0xff, 0xe1, 0, exif.length + 2])
  return Buffer.concat([bytes.subarray(0, 2), length, exif, bytes.subarray(2)])
}

export async function webp(width: number, height: number, paint: Paint): Promise<Uint8Array> {
  await initWebp(await compiled('webp/codec/enc/webp_enc.wasm'))
  return new Uint8Array(await encodeWebp(picture(width, height, paint), { lossless: 1 }))
}

/** The same picture as the one frame of an animation. */
export async function animatedWebp(width: number, height: number, paint: Paint): Promise<Uint8Array> {
  const still = Buffer.from(await webp(width, height, paint)).subarray(12)
  const uint24 = (value: number) => [value & 255, (value >> 8) & 255, value >> 16]
  const size = [...uint24(width - 1), ...uint24(height - 1)]
  const riffChunk = (name: string, data: Buffer) => {
    const head = Buffer.alloc(8)
    head.write(name, 'latin1')
    head.writeUInt32LE(data.length, 4)
    return Buffer.concat([head, data, Buffer.alloc(data.length % 2)])
  }
  const body = Buffer.concat([
    Buffer.from('WEBP'),
    riffChunk('VP8X', Buffer.from([0x12, 0, 0, 0, ...size])),
    riffChunk('ANIM', Buffer.alloc(6)),
    riffChunk('ANMF', Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 0, ...size, 100, 0, 0, 0]), still])),
  ])
  return riffChunk('RIFF', body)
}

export interface Decoded {
  width: number
  height: number
  /** The colour of a pixel. */
  at: (x: number, y: number) => Colour
  frames: number
}

/** What a client sees of a JPEG, PNG or GIF. */
export async function decoded(contentType: string | null, bytes: Uint8Array): Promise<Decoded> {
  const { width, height, data, frames } = await decodedPixels(contentType, bytes)
  const at = (x: number, y: number) => [...data.slice((y * width + x) * 4, (y * width + x) * 4 + 4)] as Colour
  return { width, height, at, frames }
}

async function decodedPixels(contentType: string | null, bytes: Uint8Array) {
  const buffer = bytes.slice().buffer
  if (contentType === 'image/jpeg') {
    await initJpegDecoder(await compiled('jpeg/codec/dec/mozjpeg_dec.wasm'))
    return { ...(await decodeJpeg(buffer)), frames: 1 }
  }
  if (contentType === 'image/png') {
    await initPng(await compiled('png/codec/pkg/squoosh_png_bg.wasm'))
    const { width, height, data } = await decodePng(buffer)
    return { width, height, data, frames: 1 }
  }
  const reader = new GifReader(bytes)
  const data = new Uint8ClampedArray(reader.width * reader.height * 4)
  reader.decodeAndBlitFrameRGBA(0, data)
  return { width: reader.width, height: reader.height, data, frames: reader.numFrames() }
}
