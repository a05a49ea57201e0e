/** Server-Server API §Auth events selection: which state gives the sender permission to send an event. */
import type { JsonObject } from '../events/canonical-json.ts'
import { objectField, stringField } from '../json-fields.ts'
import type { RoomVersionRules } from '../rooms/room-version.ts'

/** What the selection looks at, of an event that exists or is about to be built. */
export interface AuthSubject {
  type: string
  stateKey?: string
  sender: string
  content: JsonObject
}

type StateKeyPair = [type: string, stateKey: string]

/** Memberships that the join rules decide on. */
const JUDGED_BY_JOIN_RULES: ReadonlySet<unknown> = new Set(['join', 'invite', 'knock'])

/** The state keys whose current events belong in `auth_events`, each once; what the state lacks is left out by the caller. */
export function authEventKeys(rules: RoomVersionRules, event: AuthSubject): StateKeyPair[] {
  if (event.type === 'm.room.create') return []
  const keys: StateKeyPair[] = []
  // Room version 12: the room id implies the create event.
  if (!rules.roomIdIsCreateHash) keys.push(['m.room.create', ''])
  keys.push(['m.room.power_levels', ''], ['m.room.member', event.sender])
  if (event.type === 'm.room.member' && event.stateKey !== undefined) {
    addMemberKeys(keys, rules, event.stateKey, event)
  }
  return keys
}

function addMemberKeys(
  keys: StateKeyPair[],
  rules: RoomVersionRules,
  target: string,
  { sender, content }: AuthSubject,
): void {
  const { membership } = content
  if (target !== sender) keys.push(['m.room.member', target])
  if (JUDGED_BY_JOIN_RULES.has(membership)) keys.push(['m.room.join_rules', ''])
  if (membership === 'invite') {
    const token = stringField(objectField(objectField(content.third_party_invite)?.signed)?.token)
    if (token !== undefined) keys.push(['m.room.third_party_invite', token])
  }
  if (membership === 'join' && rules.restricted) {
    const authoriser = stringField(content.join_authorised_via_users_server)
    if (authoriser !== undefined && authoriser !== sender && authoriser !== target) {
      keys.push(['m.room.member', authoriser])
    }
  }
}
