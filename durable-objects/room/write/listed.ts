/** Changes of the room's entries in the directory. */
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import type { RoomWriter } from '../context.ts'
import { CANONICAL_ALIAS, mayEditAliases } from '../read/listing.ts'
import { noteListed } from '../rows/tell/listed.ts'
import { appendLog } from '../rows/tell/log.ts'
import { appendLocal } from './pipeline.ts'

/**
 * Lists the room publicly, or no longer, inside the caller's transaction: the archive will know.
 * @throws MatrixError M_NOT_FOUND, M_FORBIDDEN
 */
export function setListed(room: RoomWriter, userId: string, listed: boolean): void {
  void room.store.rules
  if (!mayEditAliases(room, userId)) {
    throw new MatrixError('M_FORBIDDEN', 'To list the room, you need the power to set its canonical alias')
  }
  appendLog(room, { kind: 'visibility', pos: 0, public: listed })
  noteListed(room.store.sql, listed)
}

/** Takes an alias that is about to be deleted out of the canonical alias event, if it is there and the user may. */
export function dropAlias(room: RoomWriter, userId: string, alias: string): void {
  const content = room.store.get(CANONICAL_ALIAS, '')?.pdu.content
  if (content === undefined || !mayEditAliases(room, userId)) return
  const { alias: main, alt_aliases: others, ...rest } = content
  const kept: JsonObject = { ...rest }
  if (main !== undefined && main !== alias) kept.alias = main
  if (Array.isArray(others)) kept.alt_aliases = others.filter((other) => other !== alias)
  else if (others !== undefined) kept.alt_aliases = others
  const named = main === alias || (Array.isArray(others) && others.includes(alias))
  if (!named) return
  const event = { sender: userId, type: CANONICAL_ALIAS, stateKey: '', content: kept }
  appendLocal(room, { ...event, unattended: true })
}
