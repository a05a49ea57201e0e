/** A Room object of a running server, called as the Workers call it. */
import type {
  FederationFacts,
  ReceiveAnswer,
  ReceivedEvent,
  ReceiveRequest,
  RemoteJoin,
  Supplied,
} from '../../../src/objects/room/federation.ts'
import { objectName, type TestServer } from '../test-server.ts'

type Result<T> = { ok: true; value: T } | { ok: false; error: { errcode?: string; message?: string } }

interface RoomCalls {
  federationFacts(serverName: string): Promise<Result<FederationFacts>>
  receive(request: ReceiveRequest): Promise<Result<ReceiveAnswer>>
  joinRemote(roomId: string, part: RemoteJoin): Promise<Result<void>>
}

export class RoomStub {
  readonly #server: TestServer
  readonly #roomId: string

  constructor(server: TestServer, roomId: string) {
    this.#server = server
    this.#roomId = roomId
  }

  get name(): string {
    return objectName.room(this.#server.serverName, this.#roomId)
  }

  async facts(serverName: string): Promise<FederationFacts> {
    return unwrapped(await (await this.#calls()).federationFacts(serverName))
  }

  async receive(
    events: readonly ReceivedEvent[],
    supplied: Supplied = {},
    origin = 'away.example',
  ): Promise<ReceiveAnswer> {
    const calls = await this.#calls()
    const done: ReceiveAnswer['done'] = {}
    // On a slow machine the time of a call is over before its work.
    for (let left = [...events]; ; left = []) {
      const answer = unwrapped(await calls.receive({ origin, events: left, supplied }))
      Object.assign(done, answer.done)
      if (!answer.more) return { ...answer, done }
    }
  }

  async joinRemote(part: RemoteJoin): Promise<Result<void>> {
    return (await this.#calls()).joinRemote(this.#roomId, part)
  }

  sql(query: string): Promise<Record<string, unknown>[]> {
    return this.#server.sql('ROOM', this.name, query)
  }

  async #calls(): Promise<RoomCalls> {
    const { mf, workerName } = this.#server.instance
    const rooms = await mf.getDurableObjectNamespace('ROOM', workerName)
    return rooms.get(rooms.idFromName(this.name)) as unknown as RoomCalls
  }
}

function unwrapped<T>(result: Result<T>): T {
  if (result.ok) return result.value
  throw new Error(JSON.stringify(result.error))
}
