/** A small chat client on matrix-js-sdk with its Rust crypto: what a browser needs of the server, in one page. */
import {
  EventType,
  type MatrixClient,
  MatrixEventEvent,
  MsgType,
  Preset,
  RelationType,
  type Room,
  RoomEvent,
  RoomMemberEvent,
} from 'matrix-js-sdk'
import { uploadEncrypted } from './attachments.ts'
import { enter } from './session.ts'
import { draw, typists } from './timeline.ts'

const find = <T extends HTMLElement>(selector: string) => document.querySelector<T>(selector)!

/** The page's own end of what people do by menus: the tests call it. */
export interface Hands {
  react(eventId: string, key: string): Promise<unknown>
  edit(eventId: string, body: string): Promise<unknown>
  redact(eventId: string): Promise<unknown>
}

declare global {
  interface Window {
    hands?: Hands
  }
}

find<HTMLFormElement>('#enter').addEventListener('submit', async (submitted) => {
  submitted.preventDefault()
  const form = new FormData(submitted.target as HTMLFormElement)
  const pressed = submitted.submitter as HTMLButtonElement
  try {
    const [username, password] = [String(form.get('username')), String(form.get('password'))]
    show(await enter({ username, password, isNew: pressed.value === 'register' }))
  } catch (error) {
    find('#failure').textContent = String(error)
  }
})

/** After each of these the room may look different. */
const REDRAWN = [
  RoomEvent.Timeline,
  RoomEvent.Receipt,
  RoomEvent.Redaction,
  RoomEvent.LocalEchoUpdated,
  RoomMemberEvent.Typing,
  RoomMemberEvent.Membership,
  MatrixEventEvent.Decrypted,
  MatrixEventEvent.Replaced,
] as const

function show(client: MatrixClient): void {
  find('#enter').hidden = true
  find('main').hidden = false
  find('#me').textContent = client.getUserId()
  client.on(RoomEvent.MyMembership, async (room, membership) => {
    if (membership === 'invite') await client.joinRoom(room.roomId)
    if (membership === 'join') open(client, room)
  })
  find<HTMLFormElement>('#invite').addEventListener('submit', async (submitted) => {
    submitted.preventDefault()
    const form = new FormData(submitted.target as HTMLFormElement)
    await client.createRoom({
      name: 'Behind the curtain',
      preset: Preset.TrustedPrivateChat,
      invite: [String(form.get('invitee'))],
      initial_state: [
        { type: EventType.RoomEncryption, state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } },
      ],
    })
  })
}

function open(client: MatrixClient, room: Room): void {
  const redraw = async () => {
    draw(client, room, find('#timeline'))
    find('#room').textContent = room.name
    find('#typing').textContent = typists(client, room)
    const encrypts = await client.getCrypto()!.isEncryptionEnabledInRoom(room.roomId)
    find('#crypto').textContent = encrypts ? 'encrypted' : ''
    find<HTMLFormElement>('#say').hidden = !encrypts
    find<HTMLFormElement>('#invite').hidden = encrypts
  }
  for (const event of REDRAWN) client.on(event, () => void redraw())
  client.on(RoomEvent.Timeline, (event, _room, toStart) => {
    // Whoever sees a message has read it.
    if (!toStart && event.getSender() !== client.getUserId() && document.visibilityState === 'visible')
      void client.sendReadReceipt(event)
  })
  speak(client, room)
  void redraw()
}

function speak(client: MatrixClient, room: Room): void {
  const form = find<HTMLFormElement>('#say')
  const text = form.elements.namedItem('text') as HTMLInputElement
  const picture = form.elements.namedItem('picture') as HTMLInputElement
  text.addEventListener('input', () => void client.sendTyping(room.roomId, text.value !== '', 10_000))
  form.addEventListener('submit', async (submitted) => {
    submitted.preventDefault()
    const body = text.value
    const file = picture.files?.[0]
    form.reset()
    void client.sendTyping(room.roomId, false, 0)
    if (body !== '') await client.sendTextMessage(room.roomId, body)
    if (file === undefined) return
    const info = { mimetype: file.type, size: file.size }
    const sent = { msgtype: MsgType.Image, body: file.name, info, file: await uploadEncrypted(client, file) }
    await client.sendMessage(room.roomId, sent as never)
  })
  window.hands = {
    react: (eventId, key) =>
      client.sendEvent(room.roomId, EventType.Reaction, {
        'm.relates_to': { rel_type: RelationType.Annotation, event_id: eventId, key },
      }),
    edit: (eventId, body) =>
      client.sendMessage(room.roomId, {
        msgtype: MsgType.Text,
        body: `* ${body}`,
        'm.new_content': { msgtype: MsgType.Text, body },
        'm.relates_to': { rel_type: RelationType.Replace, event_id: eventId },
      } as never),
    redact: (eventId) => client.redactEvent(room.roomId, eventId),
  }
}
