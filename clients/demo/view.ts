/** What the demo page shows. All that others wrote is set as text, never as markup. */
import type { Events, MatrixEvent } from '../stream/index.ts'

export interface Entered {
  name: string
  password: string
  group: string
  isNew: boolean
}

const PRESENCES: Record<string, string> = { online: 'there', unavailable: 'away', offline: 'gone' }

export class View {
  readonly #form = element<HTMLFormElement>('enter')
  readonly #room = element('room')
  readonly #messages = element<HTMLOListElement>('messages')
  readonly #people = element<HTMLUListElement>('people')
  readonly #say = element<HTMLFormElement>('say')
  readonly #away = element<HTMLInputElement>('away')
  readonly #names = new Map<string, string>()
  readonly #presences = new Map<string, Events['presence']>()
  readonly #members = new Set<string>()

  /** Something was refused, which ends nothing. */
  readonly fault = (error: unknown): void => {
    element('state').textContent = error instanceof Error ? error.message : JSON.stringify(error)
  }

  onEnter(enter: (entered: Entered) => Promise<void>): void {
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault()
      const fields = new FormData(this.#form)
      const text = (name: string) => String(fields.get(name) ?? '').trim()
      const isNew = (event.submitter as HTMLButtonElement | null)?.value === 'register'
      void enter({ name: text('name'), password: text('password'), group: text('group'), isNew })
    })
  }

  onKey(key: () => void): void {
    this.#say.oninput = key
  }

  onSay(say: (text: string) => Promise<void>): void {
    const field = this.#say.elements.namedItem('text') as HTMLInputElement
    this.#say.onsubmit = (event) => {
      event.preventDefault()
      const text = field.value.trim()
      field.value = ''
      if (text !== '') void say(text).catch(this.fault)
    }
  }

  onAway(change: (away: boolean) => Promise<unknown>): void {
    this.#away.onchange = () => void change(this.#away.checked).catch(this.fault)
  }

  /** The line about the connection. */
  say(text: string, isConnected = false): void {
    element('state').textContent = text
    element('dot').classList.toggle('on', isConnected)
  }

  enter(userId: string, group: string): void {
    for (const list of [this.#messages, this.#people]) list.replaceChildren()
    this.#members.clear()
    element('me').textContent = userId
    element('group').textContent = group
    this.#form.hidden = true
    this.#room.hidden = false
    this.#say.querySelector('input')?.focus()
  }

  event(event: MatrixEvent, me: string): void {
    if (event.type === 'm.room.member') this.#member(event)
    if (event.type === 'm.room.message') this.#message(event, me)
  }

  presence(told: Events['presence']): void {
    this.#presences.set(told.userId, told)
    this.#showPeople()
  }

  typing(userIds: string[]): void {
    const names = userIds.map((userId) => this.#name(userId))
    element('typing').textContent =
      names.length === 0 ? '' : `${names.join(' and ')} ${names.length === 1 ? 'is' : 'are'} typing …`
  }

  /** Somebody has read up to an event. */
  read(eventId: string, userId: string): void {
    for (const mark of this.#messages.querySelectorAll(`[data-reader="${CSS.escape(userId)}"]`)) mark.remove()
    const message = this.#messages.querySelector(`[data-event="${CSS.escape(eventId)}"]`)
    if (message === null) return
    const mark = made('span', 'reader', `read by ${this.#name(userId)}`)
    mark.dataset.reader = userId
    message.append(mark)
  }

  #member({ state_key: userId = '', content }: MatrixEvent): void {
    if (typeof content.displayname === 'string') this.#names.set(userId, content.displayname)
    if (content.membership === 'join') this.#members.add(userId)
    else this.#members.delete(userId)
    this.#showPeople()
  }

  #message({ event_id, sender, content, origin_server_ts }: MatrixEvent, me: string): void {
    const item = made('li', sender === me ? 'mine' : '')
    item.dataset.event = event_id
    const time = new Date(origin_server_ts).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
    item.append(
      made('b', '', this.#name(sender)),
      made('p', '', String(content.body ?? '')),
      made('time', '', time),
    )
    this.#messages.append(item)
    item.scrollIntoView({ block: 'end' })
  }

  #showPeople(): void {
    const items = [...this.#members].sort().map((userId) => {
      const { presence = 'offline', statusMsg } = this.#presences.get(userId) ?? {}
      const item = made('li', presence, this.#name(userId))
      item.dataset.user = userId
      item.append(made('small', '', statusMsg ?? PRESENCES[presence] ?? presence))
      return item
    })
    this.#people.replaceChildren(...items)
  }

  #name(userId: string): string {
    return this.#names.get(userId) ?? userId
  }
}

function element<E extends HTMLElement = HTMLElement>(id: string): E {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`The page has no ${id}`)
  return found as E
}

function made(tag: string, kind: string, text = ''): HTMLElement {
  const one = document.createElement(tag)
  if (kind !== '') one.className = kind
  one.textContent = text
  return one
}
