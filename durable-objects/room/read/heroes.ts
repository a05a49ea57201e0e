/** The members that a room without a name may be called after, from its member table. */
import { CANDIDATES, type HeroCandidates } from '../../../src/protocol/rooms/heroes.ts'
import type { RowReader } from '../rows/reader.ts'

/** Enough members for every viewer to find five others. */
export function heroCandidates(store: RowReader): HeroCandidates {
  return store.recall.once('heroes', () => readCandidates(store))
}

function readCandidates(store: RowReader): HeroCandidates {
  const present = [...store.membersWith('join', CANDIDATES), ...store.membersWith('invite', CANDIDATES)]
  // Users that left do not matter while another user is there.
  if (present.length > 1) return { present: present.slice(0, CANDIDATES), gone: [] }
  const gone = [...store.membersWith('leave', CANDIDATES), ...store.membersWith('ban', CANDIDATES)]
  return { present, gone: gone.slice(0, CANDIDATES) }
}
