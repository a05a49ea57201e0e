/** A small PNG that no other visit uploads: thumbnails are made of it. */
import { createHash } from 'node:crypto'
import { crc32, deflateSync } from 'node:zlib'

const SIDE = 64

/** @param mark decides the colours */
export function picture(mark: string): Uint8Array {
  const colours = createHash('sha256').update(mark).digest()
  const rows = Array.from({ length: SIDE }, (_, y) => {
    const row = Buffer.alloc(1 + 3 * SIDE)
    for (let x = 0; x < SIDE; x += 1) {
      for (const channel of [0, 1, 2]) row[1 + 3 * x + channel] = colours[channel]! ^ (x + y * (channel + 1))
    }
    return row
  })
  const header = Buffer.alloc(13)
  header.writeUInt32BE(SIDE, 0)
  header.writeUInt32BE(SIDE, 4)
  // Eight bits a channel, three channels.
  header.set([8, 2], 8)
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.concat(rows))),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function chunk(type: string, data: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.byteLength)
  sum.writeUInt32BE(crc32(typed))
  return Buffer.concat([length, typed, sum])
}
