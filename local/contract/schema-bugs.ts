/** Where the specification's schemas are wrong by its own text, and how we read them instead. */
import type { Json } from './json.ts'

export interface SchemaBug {
  document: string
  /** A JSON pointer to the object that holds the wrong key, and the key. */
  at: string
  key: string
  /** The key to put the same value under; absent where the key is dropped. */
  rename?: string
  /** The value to put there instead. */
  value?: Json
  because: string
}

const answerOf = (path: string, method: string) =>
  `/paths/${path.replaceAll('/', '~1')}/${method}/responses/200/content/application~1json/schema`

export const SCHEMA_BUGS: SchemaBug[] = [
  {
    document: 'rooms.yaml',
    at: answerOf('/rooms/{roomId}/state/{eventType}/{stateKey}', 'get'),
    key: 'oneOf',
    rename: 'anyOf',
    because: 'any object may be the content of an event, a whole event too: it always fits both',
  },
  {
    document: 'voip.yaml',
    at: answerOf('/voip/turnServer', 'get'),
    key: 'required',
    because:
      'a server without a TURN server answers an empty object: clients expect that, and the text tells of nothing else',
  },
  {
    document: 'old_sync.yaml',
    at: `${answerOf('/events', 'get')}/properties/chunk`,
    key: 'items',
    value: { type: 'object', required: ['type', 'content'] },
    because:
      'the event stream has always carried typing, presence and invites, which are no events of a room’s history: old clients learn of them nowhere else',
  },
  {
    document: 'definitions/client_device.yaml',
    at: '/properties/last_seen_ip',
    key: 'type',
    value: ['string', 'null'],
    because:
      'clients were made against servers that answer null where no address is known, and fail without the key',
  },
  ...['display_name', 'avatar_url'].map((key) => ({
    document: 'rooms.yaml',
    at: `${answerOf('/rooms/{roomId}/joined_members', 'get')}/properties/joined/patternProperties/^@/properties/${key}`,
    key: 'type',
    value: ['string', 'null'],
    because: 'clients were made against servers that answer null for what a member has not set',
  })),
  ...['/room_keys/version', '/room_keys/version/{version}'].map((path) => ({
    document: 'key_backup.yaml',
    at: `${answerOf(path, 'get')}/properties/algorithm`,
    key: 'enum',
    because: 'a backup is for its clients to understand: other servers keep those of any algorithm',
  })),
]
