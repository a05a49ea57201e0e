/** What pictures may be, for thumbnails to be made of them. */

/** What other servers allow: a camera of 32 megapixels. */
export const MAX_PIXELS = 32 * 1024 * 1024
/** Larger files are not read into memory, bytes. */
export const MAX_SOURCE_BYTES = 20 * 1024 * 1024
