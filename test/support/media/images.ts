/** Images for tests, made here: each pixel is known. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { deflateSync } from 'node:zlib'
import decodeJpeg, { init as initJpegDecoder } from '@jsquash/jpeg/decode.js'
import encodeJpeg, { init as initJpegEncoder } from '@jsquash/jpeg/encode.js'
import decodePng, { init as initPng } from '@jsquash/png/decode.js'
import decodeWebp, { init as initWebpDecoder } from '@jsquash/webp/decode.js'
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

/** @param beside chunks between the header and the picture */
export function png(width: number, height: number, paint: Paint, beside: Uint8Array[] = []): Uint8Array {
  return pngOf(width, height, [...beside, chunk('IDAT', packed(width, height, paint))])
}

export function pngOf(width: number, height: number, chunks: Uint8Array[], interlace = 0): Uint8Array {
  const header = Buffer.concat([words(width, height), Buffer.from([8, 6, 0, 0, interlace])])
  const all = [chunk('IHDR', header), ...chunks, chunk('IEND', Buffer.alloc(0))]
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...all])
}

export function packed(width: number, height: number, paint: Paint): Uint8Array {
  const data = pixels(width, height, paint)
  const rows = Buffer.alloc((width * 4 + 1) * height)
  for (let y = 0; y < height; y += 1) {
    rows.set(data.subarray(y * width * 4, (y + 1) * width * 4), y * (width * 4 + 1) + 1)
  }
  return deflateSync(rows)
}

export function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length)
  values.forEach((value, index) => {
    bytes.writeUInt32BE(value, 4 * index)
  })
  return bytes
}

export function chunk(name: string, data: Uint8Array): Buffer {
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

export function exifOf(orientation: number): Buffer {
  const hex = `4d4d002a00000008 0001 0112000300000001 000${orientation}0000 00000000`
  return Buffer.from(hex.replaceAll(' ', ''), 'hex')
}

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
  const exif = Buffer.concat([Buffer.from('Exif\0\0'), exifOf(orientation)])
  const length = Buffer.from([0xff, 0xe1, 0, exif.length + 2])
  return Buffer.concat([bytes.subarray(0, 2), length, exif, bytes.subarray(2)])
}

export async function webp(width: number, height: number, paint: Paint): Promise<Uint8Array> {
  await initWebp(await compiled('webp/codec/enc/webp_enc.wasm'))
  return new Uint8Array(await encodeWebp(picture(width, height, paint), { lossless: 1 }))
}

export function riffChunk(name: string, data: Uint8Array): Buffer {
  const head = Buffer.alloc(8)
  head.write(name, 'latin1')
  head.writeUInt32LE(data.length, 4)
  return Buffer.concat([head, data, Buffer.alloc(data.length % 2)])
}

const uint24 = (value: number) => [value & 255, (value >> 8) & 255, value >> 16]

/** The chunks, behind those that say that there is an animation or EXIF. */
export function webpOf(width: number, height: number, flags: number, chunks: Uint8Array[]): Uint8Array {
  const size = [...uint24(width - 1), ...uint24(height - 1)]
  const extended = riffChunk('VP8X', Buffer.from([flags, 0, 0, 0, ...size]))
  return riffChunk('RIFF', Buffer.concat([Buffer.from('WEBP'), extended, ...chunks]))
}

/** The chunk of a picture. */
export async function webpPicture(width: number, height: number, paint: Paint): Promise<Buffer> {
  return Buffer.from(await webp(width, height, paint)).subarray(12)
}

/** Frames as large as the canvas, a tenth of a second long. */
export async function animatedWebp(width: number, height: number, ...frames: Paint[]): Promise<Uint8Array> {
  const size = [...uint24(width - 1), ...uint24(height - 1)]
  const written: Buffer[] = [riffChunk('ANIM', Buffer.alloc(6))]
  for (const paint of frames) {
    const head = Buffer.from([0, 0, 0, 0, 0, 0, ...size, 100, 0, 0, 0])
    written.push(riffChunk('ANMF', Buffer.concat([head, await webpPicture(width, height, paint)])))
  }
  return webpOf(width, height, 0x12, written)
}

/** Frames as large as the canvas, a tenth of a second long. */
export function apng(width: number, height: number, frames: readonly Paint[]): Uint8Array {
  let sequence = 0
  const chunks: Buffer[] = [chunk('acTL', words(frames.length, 0))]
  frames.forEach((paint, index) => {
    chunks.push(
      chunk('fcTL', Buffer.concat([words(sequence, width, height, 0, 0), Buffer.from([0, 1, 0, 10, 0, 0])])),
    )
    sequence += 1
    const data = packed(width, height, paint)
    chunks.push(index === 0 ? chunk('IDAT', data) : chunk('fdAT', Buffer.concat([words(sequence), data])))
    if (index > 0) sequence += 1
  })
  return pngOf(width, height, chunks)
}

export interface Decoded {
  width: number
  height: number
  /** The colour of a pixel. */
  at: (x: number, y: number) => Colour
  frames: number
}

/** What a client sees of a JPEG, PNG, GIF or WebP: of one that moves, its first picture. */
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
    const control = Buffer.from(bytes).indexOf('acTL')
    return { width, height, data, frames: control === -1 ? 1 : Buffer.from(bytes).readUInt32BE(control + 4) }
  }
  if (contentType === 'image/webp') {
    await initWebpDecoder(await compiled('webp/codec/dec/webp_dec.wasm'))
    const file = Buffer.from(bytes)
    const frames = chunkNames(file).filter((name) => name === 'ANMF').length
    const { width, height, data } = await decodeWebp(frames > 0 ? firstOf(file) : buffer)
    return { width, height, data, frames: Math.max(1, frames) }
  }
  const reader = new GifReader(bytes)
  const data = new Uint8ClampedArray(reader.width * reader.height * 4)
  reader.decodeAndBlitFrameRGBA(0, data)
  return { width: reader.width, height: reader.height, data, frames: reader.numFrames() }
}

function chunkNames(file: Buffer, from = 12): string[] {
  const names: string[] = []
  for (
    let at = from;
    at + 8 <= file.length;
    at += 8 + file.readUInt32LE(at + 4) + (file.readUInt32LE(at + 4) % 2)
  ) {
    names.push(file.toString('latin1', at, at + 4))
  }
  return names
}

/** The first frame of an animated WebP, as a file of its own. */
function firstOf(file: Buffer): ArrayBuffer {
  const at = file.indexOf('ANMF')
  const frame = file.subarray(at + 8, at + 8 + file.readUInt32LE(at + 4))
  const [width, height] = [frame.readUIntLE(6, 3) + 1, frame.readUIntLE(9, 3) + 1]
  const own = webpOf(width, height, chunkNames(frame, 16).includes('ALPH') ? 0x10 : 0, [frame.subarray(16)])
  return new Uint8Array(own).buffer
}
