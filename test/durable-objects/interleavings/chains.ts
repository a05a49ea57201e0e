/** What a watcher has been told, token by token, held against what has happened: no gap, nothing twice. */
import type { Body } from '../../support/client.ts'

/** One answer to `/sync`, in the order in which they came. */
export interface Told {
  since: string | undefined
  next: string
  /** Event ids by room, as the timelines had them. */
  timelines: Map<string, { eventIds: string[]; limited: boolean }>
}

/** All event ids of each room, oldest first. */
export type Truth = ReadonlyMap<string, readonly string[]>

/** How many events of each room somebody with a token has been told. */
export type Place = ReadonlyMap<string, number>

export function toldBy(since: string | undefined, body: Body): Told {
  const timelines: Told['timelines'] = new Map()
  for (const [roomId, section] of Object.entries<Body>(body.rooms?.join ?? {})) {
    const { events = [], limited = false } = section.timeline ?? {}
    timelines.set(roomId, { eventIds: events.map((event: Body) => event.event_id), limited })
  }
  return { since, next: body.next_batch, timelines }
}

export interface Chains {
  /** Where each token stands. */
  places: ReadonlyMap<string, Place>
  /** Broken promises, as sentences. */
  broken: string[]
  /** Answers that began anew, since the token's epoch was gone. */
  restarts: number
}

/** Walks all answers. An answer may begin anew (every timeline `limited`), but it never goes back. */
export function followChains(answers: readonly Told[], truth: Truth): Chains {
  const places = new Map<string, Place>()
  const broken: string[] = []
  let restarts = 0
  const indexes = new Map([...truth].map(([room, ids]) => [room, new Map(ids.map((id, i) => [id, i]))]))
  for (const { since, next, timelines } of answers) {
    const before: Place = (since === undefined ? undefined : places.get(since)) ?? new Map()
    const after = new Map(before)
    const anew = since !== undefined && [...timelines.values()].some(({ limited }) => limited)
    if (anew) restarts += 1
    for (const [room, { eventIds }] of timelines) {
      const had = before.get(room) ?? 0
      const at = eventIds.map((id) => indexes.get(room)?.get(id) ?? Number.NaN)
      const first = at[0]
      if (first === undefined) continue
      const joins = at.every((index, i) => index === first + i)
      if (!joins) broken.push(`${room}: events ${at} after ${had} in the answer to ${since}`)
      if (!anew && first !== had)
        broken.push(`${room}: begins at ${first} after ${had} in the answer to ${since}`)
      const end = first + at.length
      if (end < had) broken.push(`${room}: goes back from ${had} to ${end} in the answer to ${since}`)
      after.set(room, end)
    }
    const known = places.get(next)
    if (known !== undefined && !anew) {
      for (const room of truth.keys()) {
        const [one, other] = [known.get(room) ?? 0, after.get(room) ?? 0]
        if (one !== other) broken.push(`${room}: ${next} stands for ${one} events and for ${other}`)
      }
    }
    places.set(next, after)
  }
  return { places, broken, restarts }
}

/** The rooms in which a place is short of the truth. */
export function behind(
  place: Place | undefined,
  truth: Truth,
  except: ReadonlySet<string> = new Set(),
): string[] {
  return [...truth]
    .filter(([room, ids]) => !except.has(room) && (place?.get(room) ?? 0) < ids.length)
    .map(([room, ids]) => `${room} at ${place?.get(room) ?? 0} of ${ids.length}`)
}
