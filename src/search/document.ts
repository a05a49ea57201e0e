/** Client-Server API §Server Side Search, `room_events`: which text of which event is searched. */
import type { SearchableEvent } from '../ports/archive.ts'
import type { JsonObject } from '../protocol/events/canonical-json.ts'
import { topicBlock } from '../protocol/rooms/room-summary.ts'
import { documentOf } from './terms.ts'

/** The keys that clients name, by the type of event that carries them. */
export const SEARCH_KEYS = {
  'content.body': 'm.room.message',
  'content.name': 'm.room.name',
  'content.topic': 'm.room.topic',
} as const

interface Source {
  isState: boolean
  texts(content: JsonObject): unknown[]
}

const SOURCES: Readonly<Record<string, Source>> = {
  'm.room.message': { isState: false, texts: ({ body }) => [body] },
  'm.room.name': { isState: true, texts: ({ name }) => [name] },
  'm.room.topic': { isState: true, texts: (content) => [content.topic, topicBlock(content)] },
}

/** The text that an event is found by; undefined where it has none. */
export function searchableText({ type, stateKey, content }: SearchableEvent): string | undefined {
  const source = Object.hasOwn(SOURCES, type) ? SOURCES[type] : undefined
  if (source === undefined || source.isState !== (stateKey !== null)) return undefined
  const texts = source.texts(content).filter((text) => typeof text === 'string')
  return [...new Set(texts)].join('\n') || undefined
}

/** The index entry of an event, as a tsvector literal; undefined where there is nothing to index. */
export function searchDocument(event: SearchableEvent): string | undefined {
  const text = searchableText(event)
  return text === undefined ? undefined : documentOf(text)
}
