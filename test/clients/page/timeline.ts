/** Draws a room: its messages with edits, reactions and readers, who is typing, and whether it is encrypted. */
import {
  EventType,
  type MatrixClient,
  type MatrixEvent,
  MsgType,
  RelationType,
  type Room,
} from 'matrix-js-sdk'
import { downloadEncrypted, type EncryptedFile } from './attachments.ts'

/** Decrypted pictures by event: asked for once. */
const pictures = new Map<string, Promise<string>>()

export function draw(client: MatrixClient, room: Room, into: HTMLElement): void {
  const drawn = room
    .getLiveTimeline()
    .getEvents()
    .flatMap((event) => drawEvent(client, room, event) ?? [])
  into.replaceChildren(...drawn)
  into.scrollTop = into.scrollHeight
}

export function typists(client: MatrixClient, room: Room): string {
  const names = room
    .getMembers()
    .filter((member) => member.typing && member.userId !== client.getUserId())
    .map((member) => member.name)
  return names.length === 0 ? '' : `${names.join(', ')} is typing`
}

function drawEvent(client: MatrixClient, room: Room, event: MatrixEvent): HTMLElement | undefined {
  if (event.getType() === EventType.RoomMember)
    return notice(`${event.getSender()}: ${event.getContent().membership}`)
  const isMessage =
    event.getType() === EventType.RoomMessage || event.isRedacted() || event.isDecryptionFailure()
  if (!isMessage || event.isRelation(RelationType.Replace) || event.isRelation(RelationType.Annotation))
    return undefined
  const item = document.createElement('li')
  item.dataset.eventId = event.getId() ?? ''
  item.classList.toggle('mine', event.getSender() === client.getUserId())
  item.append(line('sender', event.getSender() ?? ''))
  if (event.isRedacted()) {
    item.classList.add('redacted')
    item.append('removed')
    return item
  }
  if (event.isDecryptionFailure()) {
    item.classList.add('undecryptable')
    item.append('cannot be decrypted')
    return item
  }
  item.append(...contentOf(client, event))
  if (event.replacingEvent()) item.append(line('edited', 'edited'))
  const reactions = reactionsTo(room, event)
  if (reactions.length > 0) item.append(line('reactions', reactions.join(' ')))
  const readers = room.getUsersReadUpTo(event).filter((userId) => userId !== event.getSender())
  if (readers.length > 0) item.append(line('readers', `read by ${readers.join(', ')}`))
  return item
}

function contentOf(client: MatrixClient, event: MatrixEvent): (HTMLElement | string)[] {
  const content = event.getContent()
  if (content.msgtype !== MsgType.Image) return [String(content.body)]
  const image = document.createElement('img')
  image.alt = String(content.body)
  const id = event.getId()!
  const file = content.file as EncryptedFile
  if (!pictures.has(id)) pictures.set(id, downloadEncrypted(client, file, String(content.info?.mimetype)))
  pictures.get(id)!.then(
    (address) => (image.src = address),
    (error) => (image.alt = String(error)),
  )
  return [image]
}

function reactionsTo(room: Room, event: MatrixEvent): string[] {
  const relations = room
    .getUnfilteredTimelineSet()
    .relations.getChildEventsForEvent(event.getId()!, RelationType.Annotation, EventType.Reaction)
  const sorted = relations?.getSortedAnnotationsByKey() ?? []
  return sorted.filter(([, events]) => events.size > 0).map(([key, events]) => `${key} ${events.size}`)
}

function line(className: string, text: string): HTMLElement {
  const element = document.createElement('div')
  element.className = className
  element.textContent = text
  return element
}

function notice(text: string): HTMLElement {
  const item = document.createElement('li')
  item.className = 'notice'
  item.textContent = text
  return item
}
