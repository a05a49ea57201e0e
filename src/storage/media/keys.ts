/** The keys of media in a bucket. */

/** How all keys begin that move with the media: claims are of uploads under way, and stay where those go. */
export const MOVED = ['media/', 'pending/', 'reserved/', 'sha256/', 'thumbnails/'] as const

export const bytesKey = (mediaId: string) => `media/${mediaId}`
/** The SHA-256 of what was too large to be hashed before it was written. */
export const hashKey = (mediaId: string) => `sha256/${mediaId}`
export const thumbnailKey = (mediaId: string, name: string) => `thumbnails/${mediaId}/${name}`
export const reservationKey = (mediaId: string) => `reserved/${mediaId}`
export const claimKey = (mediaId: string) => `claimed/${mediaId}`
export const pendingPrefix = (owner: string) => `pending/${encodeURIComponent(owner)}/`
