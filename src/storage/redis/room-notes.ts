/** Notes of rooms that were just made, for as long as the archive may not know of them. */
import type { RoomNotes } from '../../ports/directory.ts'
import type { RedisClients } from './client.ts'

const KEPT_S = 24 * 60 * 60
const TIMEOUT_MS = 500

/** The notes over these clients. */
export function redisRoomNotes(clients: RedisClients): RoomNotes {
  const client = clients.within(TIMEOUT_MS)
  return {
    async put(roomId) {
      await client.set(keyOf(roomId), '1', { ex: KEPT_S })
    },
    async of(roomIds) {
      const notes = await client.mget<(string | null)[]>(...roomIds.map(keyOf))
      return roomIds.filter((_, index) => notes[index] !== null)
    },
  }
}

function keyOf(roomId: string): string {
  return `room:${roomId}`
}
