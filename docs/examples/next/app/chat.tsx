'use client'
/** A group of the chat, in a page of the application. */
import { type FormEvent, useEffect, useState } from 'react'
import { StreamClient } from 'selvedge-stream'
import { signIn } from '@/chat/sign-in'

const HOMESERVER = process.env.NEXT_PUBLIC_CHAT_HOMESERVER ?? ''

interface Message {
  id: string
  roomId: string
  sender: string
  text: string
}

async function tokenOfApplication(): Promise<string> {
  const answer = await fetch('/api/chat-token', { method: 'POST' })
  if (!answer.ok) throw new Error('Nobody is signed in to the application')
  return ((await answer.json()) as { token: string }).token
}

/** Signs in when it is asked for a token: at the beginning, and before the last one expires. */
function open(): StreamClient {
  const options = { homeserver: HOMESERVER, token: tokenOfApplication, storage: localStorage }
  const token = async () => (await signIn(options)).access_token
  return new StreamClient({ url: HOMESERVER, token })
}

export function Chat({ group }: { group: string }) {
  const [client, setClient] = useState<StreamClient>()
  const [roomId, setRoomId] = useState<string>()
  const [messages, setMessages] = useState<Message[]>([])
  const [text, setText] = useState('')

  useEffect(() => {
    const opened = open()
    setClient(opened)
    setMessages([])
    opened.on('event', ({ roomId: of, event }) => {
      if (event.type !== 'm.room.message') return
      const text = String(event.content.body ?? '')
      const message = { id: event.event_id, roomId: of, sender: event.sender, text }
      // After an interruption the last events may come a second time.
      setMessages((before) => [...before.filter(({ id }) => id !== message.id), message])
    })
    opened
      .connect()
      .then(() => opened.join(group))
      .then(setRoomId, () => setRoomId(undefined))
    return () => opened.close()
  }, [group])

  async function send(event: FormEvent) {
    event.preventDefault()
    if (client === undefined || roomId === undefined) return
    await client.send(roomId, text)
    setText('')
  }

  return (
    <section>
      <ol>
        {messages
          .filter((message) => message.roomId === roomId)
          .map((message) => (
            <li key={message.id}>
              {message.sender}: {message.text}
            </li>
          ))}
      </ol>
      <form onSubmit={send}>
        <input value={text} onChange={(event) => setText(event.target.value)} aria-label="Message" />
        <button type="submit" disabled={roomId === undefined}>
          Send
        </button>
      </form>
    </section>
  )
}
