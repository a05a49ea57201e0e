/** The WebAssembly codecs behind one shape: pictures of plain RGBA pixels in, bytes out. */
import JPEG_DECODER from '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm'
import JPEG_ENCODER from '@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm'
import decodeJpeg, { init as initJpegDecoder } from '@jsquash/jpeg/decode.js'
import encodeAsJpeg, { init as initJpegEncoder } from '@jsquash/jpeg/encode.js'
import PNG_CODEC from '@jsquash/png/codec/pkg/squoosh_png_bg.wasm'
import decodePng, { init as initPngDecoder } from '@jsquash/png/decode.js'
import encodeAsPng, { init as initPngEncoder } from '@jsquash/png/encode.js'
import resize, { initResize } from '@jsquash/resize'
import RESIZER from '@jsquash/resize/lib/resize/pkg/squoosh_resize_bg.wasm'
import WEBP_DECODER from '@jsquash/webp/codec/dec/webp_dec.wasm'
import decodeWebp, { init as initWebpDecoder } from '@jsquash/webp/decode.js'
import type { Cut } from '../../src/media/thumbnail-size.ts'
import type { Picture } from './picture.ts'
import { shrunk } from './shrink.ts'
import { stillOf } from './webp.ts'

const JPEG_QUALITY = 80

/** The codecs speak of pictures in the browser's class, which this runtime does not have. */
class PlainImageData implements Picture {
  readonly colorSpace = 'srgb'
  readonly data: Uint8ClampedArray<ArrayBuffer>
  readonly width: number
  readonly height: number

  constructor(data: Uint8ClampedArray<ArrayBuffer>, width: number, height = data.length / 4 / width) {
    this.data = data
    this.width = width
    this.height = height
  }
}
Object.assign(self, { ImageData: PlainImageData })

/**
 * Instances are kept, since the memory of each stays for long after it is dropped. One that failed may be in any state,
 * and is made anew.
 */
const ready = new Set<unknown>()

async function using<T>(
  init: (module: WebAssembly.Module) => Promise<unknown>,
  module: WebAssembly.Module,
  work: () => Promise<T>,
) {
  if (!ready.has(init)) await init(module)
  ready.add(init)
  try {
    return await work()
  } catch (error) {
    ready.delete(init)
    throw error
  }
}

/** Each decodes all of an image, upright. */
export const decoders: Record<
  'image/png' | 'image/jpeg' | 'image/webp',
  (bytes: Uint8Array) => Promise<Picture>
> = {
  'image/jpeg': (bytes) =>
    using(initJpegDecoder, JPEG_DECODER, async () =>
      pictureOf(await decodeJpeg(plain(bytes), { preserveOrientation: true })),
    ),
  'image/webp': (bytes) =>
    using(initWebpDecoder, WEBP_DECODER, async () => pictureOf(await decodeWebp(plain(stillOf(bytes))))),
  'image/png': (bytes) =>
    using(initPngDecoder, PNG_CODEC, async () => pictureOf(await decodePng(plain(bytes)))),
}

export function encodeJpeg(picture: Picture): Promise<Uint8Array> {
  const options = { quality: JPEG_QUALITY }
  return using(
    initJpegEncoder,
    JPEG_ENCODER,
    async () => new Uint8Array(await encodeAsJpeg(imageData(picture), options)),
  )
}

export async function encodePng(picture: Picture): Promise<Uint8Array> {
  await initPngEncoder(PNG_CODEC)
  return new Uint8Array(await encodeAsPng(imageData(picture)))
}

/** Brings a part of a picture to a size. */
export async function cutOut(picture: Picture, cut: Cut): Promise<Picture> {
  const { target } = cut
  const part = shrunk(picture, cut)
  if (part.width === target.width && part.height === target.height) return part
  return using(initResize, RESIZER, async () =>
    pictureOf(await resize(imageData(part), { ...target, method: 'lanczos3', fitMethod: 'stretch' })),
  )
}

function pictureOf({ width, height, data }: ImageData): Picture {
  return { width, height, data: data as Uint8ClampedArray<ArrayBuffer> }
}

function imageData({ data, width, height }: Picture): ImageData {
  return new PlainImageData(data, width, height) as unknown as ImageData
}

/** A buffer that holds these bytes and no others. */
function plain(bytes: Uint8Array): ArrayBuffer {
  return bytes.slice().buffer as ArrayBuffer
}
