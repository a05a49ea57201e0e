/** Client-Server API §Presence: what one state of a user is to another that is known of them. */

interface State {
  presence: string
  statusMsg?: string | undefined
  /** When it became so, ms since the epoch; later than that of any state before it. */
  since?: number | undefined
}

/**
 * Compares a state of a user with the known one: it is `older` and so void, the `same`, or `news`. States of one user come
 * by several ways, and one way may be slower than another.
 */
export function compareStates(state: State, known: State | undefined): 'older' | 'same' | 'news' {
  if (known === undefined) return 'news'
  if ((state.since ?? 0) < (known.since ?? 0)) return 'older'
  return state.presence === known.presence && state.statusMsg === known.statusMsg ? 'same' : 'news'
}
