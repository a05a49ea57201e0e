'use client'
/** A group of the chat, in a page of the application. */
import { type FormEvent, useEffect, useState } from 'react'
import { byToken, ChatConnection, type Message } from '@/chat/connection'

const HOMESERVER = process.env.NEXT_PUBLIC_CHAT_HOMESERVER ?? ''

async function token(): Promise<string> {
  const answer = await fetch('/api/chat-token', { method: 'POST' })
  if (!answer.ok) throw new Error('Nobody is signed in to the application')
  return ((await answer.json()) as { token: string }).token
}

export function Chat({ group }: { group: string }) {
  const [connection, setConnection] = useState<ChatConnection>()
  const [roomId, setRoomId] = useState<string>()
  const [messages, setMessages] = useState<Message[]>([])
  const [text, setText] = useState('')

  useEffect(() => {
    const over = new AbortController()
    const opened = new ChatConnection({
      homeserver: HOMESERVER,
      signIn: byToken(HOMESERVER, token),
      storage: localStorage,
    })
    setConnection(opened)
    opened.join(group).then(setRoomId, () => undefined)
    void opened.listen((message) => setMessages((before) => [...before, message]), over.signal)
    return () => over.abort()
  }, [group])

  async function send(event: FormEvent) {
    event.preventDefault()
    if (connection === undefined || roomId === undefined) return
    await connection.say(roomId, text)
    setText('')
  }

  return (
    <section>
      <ol>
        {messages
          .filter((message) => message.roomId === roomId)
          .map(({ id, sender, text }) => (
            <li key={id}>
              {sender}: {text}
            </li>
          ))}
      </ol>
      <form onSubmit={send}>
        <input value={text} onChange={(event) => setText(event.target.value)} aria-label="Message" />
        <button type="submit">Send</button>
      </form>
    </section>
  )
}
