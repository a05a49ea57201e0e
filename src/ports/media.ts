/** Where the bytes of media are, and what is known of them: Client-Server API §Content Repository. */

/** What is kept with the bytes, and goes where they go. */
export interface MediaFacts {
  /** Who uploaded it: a user id. */
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

export interface StoredMedia extends MediaFacts {
  /** Bytes. */
  size: number
  etag: string
}

export interface Reservation {
  owner: string
  /** ms since the epoch. */
  expiresAt: number
}

export interface MediaStore {
  /**
   * Stores what streams in, and answers once all of it is there; nothing is left of what ends early.
   * @param length bytes, where the sender has said how many there will be
   * @returns `exists` where there is something under this id already, `too_large` past `limit` bytes
   */
  put(
    mediaId: string,
    facts: MediaFacts,
    content: { body: ReadableStream<Uint8Array> | null; length: number | undefined; limit: number },
  ): Promise<'stored' | 'exists' | 'too_large'>
  find(mediaId: string): Promise<StoredMedia | undefined>
  /** The bytes, or a part of them; undefined where there is nothing. */
  read(mediaId: string, range?: ByteRange): Promise<ReadableStream<Uint8Array> | undefined>
  /** Keeps an id for an upload that comes later. */
  reserve(mediaId: string, reservation: Reservation): Promise<void>
  reservation(mediaId: string): Promise<Reservation | undefined>
  /** Takes a reservation away. */
  release(mediaId: string): Promise<void>
  /** @param name tells the thumbnails of one upload apart */
  thumbnail(mediaId: string, name: string): Promise<StoredThumbnail | undefined>
  putThumbnail(mediaId: string, name: string, thumbnail: Thumbnail): Promise<void>
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
}

export interface ThumbnailRequest {
  contentType: 'image/png' | 'image/jpeg' | 'image/gif' | 'image/webp'
  /** Pixels; the thumbnail is no larger. */
  within: { width: number; height: number }
  method: 'crop' | 'scale'
  animated: boolean
  /** Made anew even where the image is small enough already. */
  redraw: boolean
}

export interface Thumbnailer {
  make(source: Uint8Array, request: ThumbnailRequest): Promise<Thumbnail | 'small_enough' | 'unreadable'>
}
