/** Client-Server API §GET /sync, `RoomSummary`: the members that a room without a name is called after. */
import type { StateMap } from '../events/event.ts'

const HEROES = 5

/**
 * Members that a room may be called after. There is one more of each kind than needed, since nobody is their own hero.
 */
export interface HeroCandidates {
  /** Joined or invited, the joined first. */
  present: string[]
  /** Left or banned: for a room in which nobody else is. */
  gone: string[]
}

/** How many candidates of each membership are enough for every viewer. */
export const CANDIDATES = HEROES + 1

/** What changes the summary: the members, and whether heroes are needed. */
export const SUMMARY_TYPES: ReadonlySet<string> = new Set([
  'm.room.member',
  'm.room.name',
  'm.room.canonical_alias',
])

/** "Required if the room's m.room.name or m.room.canonical_alias state events are unset or empty." */
export function needsHeroes(state: StateMap): boolean {
  return (
    !state.get('m.room.name', '')?.pdu.content.name &&
    !state.get('m.room.canonical_alias', '')?.pdu.content.alias
  )
}

/** A viewer's heroes: never the viewer, and former members only if nobody else is there. */
export function heroesFor({ present, gone }: HeroCandidates, viewer: string): string[] {
  const others = present.filter((userId) => userId !== viewer)
  return (others.length > 0 ? others : gone.filter((userId) => userId !== viewer)).slice(0, HEROES)
}
