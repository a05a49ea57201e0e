/** What tells pushers apart, as the archive writes it. */
import type { Pusher } from '../objects/user/settings.ts'

export function pusherKey({ app_id, pushkey }: Pick<Pusher, 'app_id' | 'pushkey'>): string {
  return JSON.stringify([app_id, pushkey])
}
