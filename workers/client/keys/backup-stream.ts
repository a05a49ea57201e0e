/** How a backup of any size is written: batch by batch, as the User object hands it out. */
import type { BackedUpKey } from '../../../src/objects/user/keys.ts'

/** Keys in the order of rooms and sessions, and whether there are more behind them. */
interface Batch {
  keys: BackedUpKey[]
  more: boolean
}

/** How a key is written behind the one before it, in the order of rooms and sessions, and what stands around all. */
export interface Form {
  begin: string
  key: (key: BackedUpKey, before: BackedUpKey | undefined) => string
  end: (last: BackedUpKey | undefined) => string
}

export const SESSIONS: Form = {
  begin: '{"sessions":{',
  key: ({ sessionId, data }, before) =>
    `${before === undefined ? '' : ','}${JSON.stringify(sessionId)}:${data}`,
  end: () => '}}',
}

export const ROOMS: Form = {
  begin: '{"rooms":{',
  key: (key, before) => {
    if (key.roomId === before?.roomId) return SESSIONS.key(key, before)
    const closed = before === undefined ? '' : '}},'
    return `${closed}${JSON.stringify(key.roomId)}:${SESSIONS.begin}${SESSIONS.key(key, undefined)}`
  },
  end: (last) => (last === undefined ? '}}' : `${SESSIONS.end(last)}}}`),
}

/** A backup may be larger than the memory: it leaves batch by batch. */
export async function backupStream(
  form: Form,
  ask: (after?: BackedUpKey) => Promise<Batch>,
): Promise<ReadableStream<Uint8Array>> {
  // Before the answer begins, an error can still be one.
  const first = await ask()
  async function* texts() {
    let last: BackedUpKey | undefined
    let text = form.begin
    for (let batch = first; ; batch = await ask(last)) {
      for (const key of batch.keys) {
        text += form.key(key, last)
        last = key
      }
      if (!batch.more) break
      yield text
      text = ''
    }
    yield text + form.end(last)
  }
  return streamOf(texts())
}

function streamOf(texts: AsyncGenerator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const text = await texts.next()
      if (text.done) controller.close()
      else controller.enqueue(encoder.encode(text.value))
    },
  })
}
