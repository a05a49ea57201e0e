/**
 * Of which room each server asked last. A single event is asked for by its id alone, mostly right after the state or the
 * events that name it, and the archive may not know it yet: a server that is told there is no such event goes on without it.
 */
const MOST_SERVERS = 2_000

const rooms = new Map<string, string>()

export function noteRead(origin: string, roomId: string): void {
  rooms.delete(origin)
  const [oldest] = rooms.size >= MOST_SERVERS ? rooms.keys() : []
  if (oldest !== undefined) rooms.delete(oldest)
  rooms.set(origin, roomId)
}

export const lastRead = (origin: string): string | undefined => rooms.get(origin)
