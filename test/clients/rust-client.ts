/** The program in `rust/` as a client that a test leads: one process a user, a step and its answer at a time. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { eventually } from '../support/eventually.ts'

const project = fileURLToPath(new URL('./rust/', import.meta.url))

/** Whether cargo is there. */
export function hasCargo(): boolean {
  try {
    execFileSync('cargo', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Builds the program and answers where it is; `CARGO_TARGET_DIR` keeps what was built before. */
export function built(): string {
  const said = execFileSync('cargo', ['build', '--locked', '--quiet', '--message-format=json'], {
    cwd: project,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  })
  const artifacts = said.split('\n').filter((line) => line.includes('"executable":"'))
  return JSON.parse(artifacts.at(-1)!).executable
}

/** A room as the list of rooms shows it. */
export interface ShownRoom {
  id: string
  name: string
  invited: boolean
  encrypted: boolean
  joined_members: number
  notifications: number
  highlights: number
  unread: number
  direct: boolean
}

/** What a push is shown as. */
export interface ShownNotification {
  content: Record<string, unknown>
  sender: string
  room: string
  noisy: boolean
  mention: boolean
}

/** An event as a timeline shows it. */
export interface ShownEvent {
  sender: string
  text: string
  encrypted: boolean
  receipts: string[]
}

export class RustClient {
  private readonly child: ChildProcess
  private readonly answers: AsyncIterator<string>
  private complaints = ''

  constructor(program: string, ...told: [url: string, user: string, password: string, folder: string]) {
    this.child = spawn(program, told, { env: { ...process.env, RUST_BACKTRACE: '0' } })
    this.child.stderr!.on('data', (text) => {
      this.complaints += text
    })
    this.answers = createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]()
  }

  /** Asks for a step of `rust/src/steps.rs`. @throws Error with what the program complained of when it ended */
  async ask<T>(...step: string[]): Promise<T> {
    this.child.stdin!.write(`${JSON.stringify(step)}\n`)
    const { value, done } = await this.answers.next()
    if (done) throw new Error(`ended at ${step.join(' ')}: ${this.complaints.slice(-4_000)}`)
    return JSON.parse(value)
  }

  /** The room list when it is as wanted. */
  rooms(isWanted: (rooms: ShownRoom[]) => boolean): Promise<ShownRoom[]> {
    return eventually(() => this.ask<ShownRoom[]>('rooms'), isWanted, 60_000)
  }

  /** A room when the list shows it as wanted. */
  async room(id: string, isWanted: (room: ShownRoom) => boolean): Promise<ShownRoom> {
    const among = (rooms: ShownRoom[]) => rooms.find((room) => room.id === id)
    const rooms = await this.rooms((shown) => among(shown) !== undefined && isWanted(among(shown)!))
    return among(rooms)!
  }

  /** The event with this text when the timeline of the room shows it, as wanted. */
  async shows(room: string, text: string, isWanted = (_: ShownEvent) => true): Promise<ShownEvent> {
    const among = (events: ShownEvent[]) => events.find((event) => event.text === text && isWanted(event))
    const events = await eventually(
      () => this.ask<ShownEvent[]>('timeline', room),
      (shown) => among(shown) !== undefined,
      60_000,
    )
    return among(events)!
  }

  /** Waits until the sync service is in this state. */
  async is(state: 'running' | 'offline'): Promise<void> {
    await eventually(
      () => this.ask<string>('state'),
      (now) => now === state,
      60_000,
    )
  }

  /** Ends at once, as when the system takes an application out of memory. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const ended = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await ended
  }
}
