/** Where the bytes of media are, and what is known of them: Client-Server API §Content Repository. */

/** What is kept with the bytes, and goes where they go. */
export interface MediaFacts {
  /** The uploader's user id; empty for what the server itself keeps, such as pictures of previews. */
  owner: string
  /** As the uploader gave it; what it is shown as is decided at the download. */
  contentType: string
  fileName?: string
}

/** A part of the bytes. */
export interface ByteRange {
  offset: number
  length: number
}

/** All of something, as a range: a store that is told what must come answers nothing else. Nothing has no range. */
export function wholeRange(size: number): ByteRange | undefined {
  return size === 0 ? undefined : { offset: 0, length: size }
}

export interface StoredMedia extends MediaFacts {
  /** Bytes. */
  size: number
  etag: string
  /** ms since the epoch. */
  modified: number
}

export interface Reservation {
  owner: string
  /** ms since the epoch. */
  expiresAt: number
}

/** What was stored. */
export interface WrittenMedia {
  /** Bytes. */
  size: number
  /** In hexadecimal digits. */
  sha256: string
}

export interface IndexedMedia extends MediaFacts, WrittenMedia {
  mediaId: string
}

/** What users uploaded, and how much of it: in Postgres. */
export interface MediaIndex {
  /** The bytes of a user's uploads in sum. */
  used(owner: string): Promise<number>
  /** False, and nothing is changed, where the owner's sum would pass the quota. */
  add(entry: IndexedMedia, quota: number, now: number): Promise<boolean>
  /** Takes an entry away, and its bytes from the owner's sum. */
  remove(mediaId: string): Promise<void>
  /** Adds and counts those that are not there yet; answers how many. */
  addMissing(uploads: (IndexedMedia & { createdTs: number })[]): Promise<number>
}

/** Bytes, and how many. */
export interface PictureBound {
  bytes: number
  count: number
}

/** The pictures of previews that are kept, the newest of each user and the newest of all: in Postgres. */
export interface PreviewPictures {
  /**
   * Counts a picture, or notes that it was wanted again.
   * @returns the pictures that no longer count, since there is no room for them beside this one
   */
  keep(
    picture: { mediaId: string; owner: string; size: number },
    bounds: { each: PictureBound; all: PictureBound },
    now: number,
  ): Promise<string[]>
}

/** Ids that are kept for uploads to come. */
export interface ReservationStore {
  reserve(mediaId: string, reservation: Reservation): Promise<void>
  reservation(mediaId: string): Promise<Reservation | undefined>
  /** When a user's open reservations end, the first to end before the others. */
  pending(owner: string, now: number): Promise<number[]>
  /** Gives an id to one upload alone; false while another one has it. */
  claim(mediaId: string, now: number): Promise<boolean>
  /** After an upload that failed: another may come. */
  unclaim(mediaId: string): Promise<void>
  /** Takes a reservation away. */
  release(mediaId: string, reservation: Reservation): Promise<void>
}

export interface MediaStore extends ReservationStore {
  /**
   * Stores what streams in, and answers once all of it is there; nothing is left of what ends early.
   * @param length bytes, where the sender has said how many there will be
   * @returns `exists` where there is something under this id already, `too_large` past `limit` bytes
   */
  put(
    mediaId: string,
    facts: MediaFacts,
    content: { body: ReadableStream<Uint8Array> | null; length: number | undefined; limit: number },
  ): Promise<WrittenMedia | 'exists' | 'too_large'>
  find(mediaId: string): Promise<StoredMedia | undefined>
  /** The bytes, or a part of them; undefined where there is nothing. */
  read(mediaId: string, range?: ByteRange): Promise<ReadableStream<Uint8Array> | undefined>
  /**
   * All the bytes, held against their hash; undefined where there is nothing.
   * @throws MatrixError M_UNKNOWN with 502 where they are not what was uploaded, with 503 where the store breaks off
   */
  whole(mediaId: string): Promise<Uint8Array | undefined>
  remove(mediaId: string): Promise<void>
  /** Some of what users uploaded, in a fixed order, from the place that the call before has named. */
  list(
    limit: number,
    after?: string,
  ): Promise<{ uploads: (IndexedMedia & { createdTs: number })[]; next?: string }>
  /** @param name tells the thumbnails of one upload apart */
  thumbnail(mediaId: string, name: string): Promise<StoredThumbnail | undefined>
  putThumbnail(mediaId: string, name: string, thumbnail: Thumbnail): Promise<void>
  /** What was found out about an upload as a picture; undefined where nobody has looked yet. */
  pictureFacts(mediaId: string): Promise<PictureFacts | undefined>
  putPictureFacts(mediaId: string, facts: PictureFacts): Promise<void>
}

/** A small picture of an upload. */
export interface Thumbnail {
  contentType: string
  bytes: Uint8Array
}

/** One that is kept: as an upload, but that it has no owner and no name. */
export interface StoredThumbnail {
  contentType: string
  read(range?: ByteRange): Promise<ReadableStream<Uint8Array> | undefined>
  /** Bytes. */
  size: number
  etag: string
  /** ms since the epoch. */
  modified: number
}

/** What an image says of itself. */
export interface PictureHeader {
  contentType: 'image/png' | 'image/jpeg' | 'image/gif' | 'image/webp'
  /** Pixels, as they are stored: a camera held upright may have noted that they are to be turned. */
  width: number
  height: number
  /** Several pictures, one after the other. */
  animated: boolean
  /** EXIF's: how it is to be turned, 1 where it stands upright. */
  orientation: number
}

/** Why there is no thumbnail of an upload. */
export type NoThumbnail = 'unreadable' | 'too_large'

/** What was found out about an upload when a thumbnail was first asked for. */
export interface PictureFacts {
  /** Undefined if it is not an image that we read. */
  header?: PictureHeader
  /** Set where no thumbnail can be made of it, at any size. */
  none?: NoThumbnail
  /** How often the work broke off before it had ended, and when it last did: ms since the epoch. */
  broken?: { times: number; ts: number }
}

export interface ThumbnailRequest extends PictureHeader {
  /** Pixels; the thumbnail is no larger. */
  within: { width: number; height: number }
  method: 'crop' | 'scale'
}

/** `busy`: too many are being made already. */
export type ThumbnailOutcome = Thumbnail | NoThumbnail | 'busy'

/** What decoding has cost. */
export interface PictureWork {
  /** Of the picture and of its frames. */
  pixels: number
  /** Of a JPEG. */
  scans: number
}

export interface Thumbnailer {
  /** `broken` where it took more memory or time than the platform gives, or nobody is there to make it. */
  make(source: Uint8Array, request: ThumbnailRequest): Promise<ThumbnailOutcome | 'broken'>
}
