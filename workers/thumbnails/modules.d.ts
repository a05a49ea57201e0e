/** What the codecs are to the compiler. */
declare module '*.wasm' {
  const module: WebAssembly.Module
  export default module
}

declare module 'gifenc' {
  type Palette = number[][]
  type Format = 'rgb565' | 'rgb444' | 'rgba4444'

  export function quantize(
    rgba: Uint8ClampedArray,
    colours: number,
    options: { format: Format; oneBitAlpha: boolean },
  ): Palette
  export function applyPalette(rgba: Uint8ClampedArray, palette: Palette, format: Format): Uint8Array
  export function GIFEncoder(): {
    writeFrame(
      pixels: Uint8Array,
      width: number,
      height: number,
      options: {
        palette: Palette
        /** ms */
        delay: number
        repeat: number
        dispose: number
        transparent?: boolean
        transparentIndex?: number
      },
    ): void
    finish(): void
    bytes(): Uint8Array
  }
}

/** The codecs' own types speak of the browser's class. */
interface ImageData {
  readonly width: number
  readonly height: number
  readonly data: Uint8ClampedArray
  readonly colorSpace: string
}
