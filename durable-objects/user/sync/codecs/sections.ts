/** The rooms of a sync answer, by how the user stands in them. */
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'

type Kind = 'join' | 'leave' | 'invite' | 'knock'

/** The `rooms` of an answer, as they are gathered. */
export class Sections {
  readonly byKind: { [kind in Kind]?: JsonObject } = {}

  get empty(): boolean {
    return Object.keys(this.byKind).length === 0
  }

  add(kind: Kind, roomId: string, section: JsonObject): void {
    const rooms = this.byKind[kind] ?? {}
    rooms[roomId] = section
    this.byKind[kind] = rooms
  }
}
