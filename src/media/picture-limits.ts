/** What pictures may be, for thumbnails to be made of them. */

/** What other servers allow: a camera of 32 megapixels. */
const MAX_PIXELS = 32 * 1024 * 1024
/** What JPEG can say, pixels: of PNG a row could be as large as all of the picture. */
const MAX_SIDE = 65_535
/** Larger files are not read into memory, bytes. */
export const MAX_SOURCE_BYTES = 20 * 1024 * 1024

/** Whether a picture is no larger than we decode. */
export function isDecodable({ width, height }: { width: number; height: number }): boolean {
  return width <= MAX_SIDE && height <= MAX_SIDE && width * height <= MAX_PIXELS
}
