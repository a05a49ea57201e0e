/** The reader of GIFs by which tests look at ours. */
declare module 'omggif' {
  export class GifReader {
    constructor(bytes: Uint8Array)
    width: number
    height: number
    numFrames(): number
    decodeAndBlitFrameRGBA(index: number, pixels: Uint8ClampedArray): void
  }
}
