/** The WebAssembly codecs behind one shape: pictures of plain RGBA pixels in, bytes out, and for WebP the other way round. */
import jpegEncoder from '@jsquash/jpeg/codec/enc/mozjpeg_enc.js'
import JPEG_ENCODER from '@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm'
import { defaultOptions as jpegOptions } from '@jsquash/jpeg/meta.js'
import webpDecoder from '@jsquash/webp/codec/dec/webp_dec.js'
import WEBP_DECODER from '@jsquash/webp/codec/dec/webp_dec.wasm'
import webpEncoder from '@jsquash/webp/codec/enc/webp_enc_simd.js'
import WEBP_ENCODER from '@jsquash/webp/codec/enc/webp_enc_simd.wasm'
import { defaultOptions as webpOptions } from '@jsquash/webp/meta.js'
import { type Picture, Unreadable } from './picture.ts'

const JPEG_QUALITY = 80
/** Of an animation: the quickest way, since there are many. */
const FRAME_OPTIONS = { ...webpOptions, quality: 75, method: 1 }
/** What a decoder may hold while another picture has the memory of the isolate. */
const MAX_KEPT_BYTES = 24 * 1024 * 1024

/** One codec, instantiated when it is needed. */
interface Codec<M> {
  module: WebAssembly.Module
  factory: (options: object) => Promise<M>
  instance?: { made: Promise<M>; memory: WebAssembly.Memory | undefined }
}

const JPEG: Codec<Encoder> = { module: JPEG_ENCODER, factory: jpegEncoder }
const WEBP: Codec<Encoder> = { module: WEBP_ENCODER, factory: webpEncoder }
const WEBP_PICTURES: Codec<Decoder> = { module: WEBP_DECODER, factory: webpDecoder }

interface Encoder {
  encode(data: Uint8ClampedArray, width: number, height: number, options: object): Uint8Array | null
}

interface Decoder {
  decode(bytes: Uint8Array): unknown
}

export function encodeJpeg({ data, width, height }: Picture): Promise<Uint8Array> {
  const options = { ...jpegOptions, quality: JPEG_QUALITY }
  return using(JPEG, (codec) => encoded(codec.encode(data, width, height, options)))
}

export function encodeWebp({ data, width, height }: Picture): Promise<Uint8Array> {
  return using(WEBP, (codec) => encoded(codec.encode(data, width, height, FRAME_OPTIONS)))
}

/** @param use gets the picture in the decoder's memory: it is there as long as that runs */
export function decodeWebp(file: Uint8Array, use: (picture: Picture) => void): Promise<void> {
  return using(WEBP_PICTURES, (codec) => {
    taker = use
    try {
      if (withBorrowedMemory(() => codec.decode(file)) === null) throw new Unreadable('a broken WebP')
    } finally {
      taker = undefined
    }
  })
}

/**
 * Memory of WebAssembly never shrinks, and goes with its instance when others ask for memory. From one WebP to the next
 * the instance is kept: a new one would be there beside the old one.
 */
export function giveBackMemory(): void {
  const { instance } = WEBP_PICTURES
  if ((instance?.memory?.buffer.byteLength ?? 0) > MAX_KEPT_BYTES) delete WEBP_PICTURES.instance
}

/** A codec that failed may be in any state, so it is made anew. */
async function using<M, T>(codec: Codec<M>, work: (module: M) => T): Promise<T> {
  codec.instance ??= instantiate(codec)
  const { instance } = codec
  try {
    return work(await instance.made)
  } catch (error) {
    delete codec.instance
    throw error
  }
}

function instantiate<M>({ module, factory }: Codec<M>): NonNullable<Codec<M>['instance']> {
  let memory: WebAssembly.Memory | undefined
  const instantiateWasm = (
    imports: WebAssembly.Imports,
    ready: (instance: WebAssembly.Instance) => void,
  ): WebAssembly.Exports => {
    const instance = new WebAssembly.Instance(module, imports)
    memory = Object.values(instance.exports).find((given) => given instanceof WebAssembly.Memory)
    ready(instance)
    return instance.exports
  }
  const made = factory({ noInitialRun: true, instantiateWasm })
  return { made, memory }
}

function encoded(bytes: Uint8Array | null): Uint8Array {
  if (bytes === null) throw new Unreadable('nothing was encoded')
  return bytes
}

/** Takes the next picture that a decoder makes. */
let taker: ((picture: Picture) => void) | undefined

/** The codecs speak of pictures in the browser's class, which this runtime does not have. */
class TakenImageData {
  constructor(data: Uint8ClampedArray<ArrayBuffer>, width: number, height: number) {
    taker?.({ data, width, height })
  }
}

/**
 * The decoder copies its picture into an array of the class that it finds by this name. Here it finds one that leaves
 * the pixels where they are: two pictures of 88 MB would be more than an isolate has.
 */
function withBorrowedMemory<T>(make: () => T): T {
  const scope = self as unknown as Record<string, unknown>
  const Own = Uint8ClampedArray
  scope.ImageData = TakenImageData
  scope.Uint8ClampedArray = function borrowed(view: Uint8Array<ArrayBuffer>) {
    // What takes the picture is to find the runtime's own.
    scope.Uint8ClampedArray = Own
    return new Own(view.buffer, view.byteOffset, view.byteLength)
  }
  try {
    return make()
  } finally {
    scope.Uint8ClampedArray = Own
  }
}
