/** EXIF: how a picture is to be turned. */

const ORIENTATION = 0x0112
const SHORT = 3
/** More entries than any camera writes. */
const MAX_ENTRIES = 512

/** Orientation, from 1 (upright) to 8; 1 if nothing valid is said. @param data a TIFF header and what follows it */
export function orientationIn(data: Uint8Array): number {
  const order = String.fromCharCode(data[0] ?? 0, data[1] ?? 0)
  if (order !== 'II' && order !== 'MM') return 1
  const little = order === 'II'
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  try {
    const directory = view.getUint32(4, little)
    const count = Math.min(view.getUint16(directory, little), MAX_ENTRIES)
    for (let at = directory + 2; at < directory + 2 + 12 * count; at += 12) {
      if (view.getUint16(at, little) !== ORIENTATION || view.getUint16(at + 2, little) !== SHORT) continue
      const value = view.getUint16(at + 8, little)
      return value >= 1 && value <= 8 ? value : 1
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
  }
  return 1
}
