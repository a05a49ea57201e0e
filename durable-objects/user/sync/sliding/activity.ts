/** What the archive says of rooms before any of them is asked: which are the newest, for a user with very many. */
import { patiently } from '../../../../src/patience.ts'
import type { ArchiveReader, RoomActivity } from '../../../../src/ports/archive.ts'

/** A first answer waits no longer for it, ms: then it goes by what the user's object knows. */
const PATIENCE_MS = 1_000

/** Nothing, where the archive is away. */
export async function activityIn(
  reader: Pick<ArchiveReader, 'activity'>,
  roomIds: string[],
): Promise<RoomActivity[]> {
  const asked = reader.activity(roomIds).catch(() => [])
  return (await patiently(PATIENCE_MS, asked)) ?? []
}
