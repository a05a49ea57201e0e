/** Client-Server API §Presence: what the people around have told of themselves. */
import type { Presence } from '../../presence/presence.ts'
import type { SyncToken } from '../sync-token.ts'
import type { Span, Stream } from './stream.ts'

export type PresenceEvent = ReturnType<Presence['eventsAfter']>[number]

export class PresenceStream implements Stream {
  readonly #presence: Pick<Presence, 'latest' | 'eventsAfter'>

  constructor(presence: Pick<Presence, 'latest' | 'eventsAfter'>) {
    this.#presence = presence
  }

  behind({ presence = 0 }: SyncToken): boolean {
    return this.#presence.latest > presence
  }

  after({ token }: Span, now: number): PresenceEvent[] {
    return this.#presence.eventsAfter(token?.presence, now)
  }

  /** The place that an answer stands at. */
  placeAfter({ token }: Span): number {
    return Math.max(token?.presence ?? 0, this.#presence.latest)
  }
}
