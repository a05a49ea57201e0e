/** The demo page: two people in two windows, a group, who is there, and who is typing. All of it by the stream's client. */
import { StreamClient } from '../stream/index.ts'
import { Account } from './account.ts'
import { View } from './view.ts'

/** How long without a key before the others are told that nobody types, ms. */
const TYPING_MS = 4_000

const view = new View()
let left: (() => void) | undefined

view.onEnter(async ({ name, password, group, isNew }) => {
  left?.()
  view.say('Signing in …')
  try {
    const account = await Account.enter(location.origin, { name, password, isNew })
    left = await stay(account, group)
  } catch (error) {
    view.say(error instanceof Error ? error.message : String(error))
  }
})

/** Opens the stream, enters the group, and shows what happens there. Answers what ends it. */
async function stay(account: Account, group: string): Promise<() => void> {
  const client = new StreamClient({ url: location.origin, token: () => account.token(), pingMs: 30_000 })
  let room: string | undefined
  client.on('open', () => view.say('connected', true))
  client.on('retry', ({ inMs }) => view.say(`connection lost: next try in ${(inMs / 1_000).toFixed(1)} s`))
  client.on('end', ({ reason }) => view.say(`the stream is over: ${reason}`))
  client.on('presence', (told) => view.presence(told))
  client.on('typing', ({ roomId, userIds }) => {
    if (roomId === room) view.typing(userIds.filter((userId) => userId !== account.userId))
  })
  for (const kind of ['state', 'event'] as const)
    client.on(kind, ({ roomId, event }) => {
      if (roomId !== room) return
      view.event(event, account.userId)
      if (kind === 'event' && event.sender !== account.userId)
        void client.read(roomId, event.event_id).catch(view.fault)
    })
  client.on('receipt', ({ roomId, eventId, userId }) => {
    if (roomId === room && userId !== account.userId) view.read(eventId, userId)
  })
  client.on('error', view.fault)

  // The group is known before the first increment, which tells of all that is in it.
  room = await account.enterGroup(group)
  view.enter(account.userId, group)
  await client.connect()
  const typing = typist((types) => client.typing(room!, types))
  view.onKey(typing.key)
  view.onSay(async (text) => {
    typing.end()
    await client.send(room!, text)
  })
  view.onAway((away) =>
    client.presence(away ? 'unavailable' : 'online', away ? 'away for a while' : undefined),
  )
  return () => client.close()
}

/** Tells that somebody types, once, and that they have stopped. */
function typist(tell: (types: boolean) => Promise<unknown>) {
  let timer: ReturnType<typeof setTimeout> | undefined
  const say = (types: boolean) => void tell(types).catch(view.fault)
  const end = () => {
    if (timer === undefined) return
    clearTimeout(timer)
    timer = undefined
    say(false)
  }
  const key = () => {
    if (timer === undefined) say(true)
    clearTimeout(timer)
    timer = setTimeout(end, TYPING_MS)
  }
  return { key, end }
}
