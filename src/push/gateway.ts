/** Push Gateway API: one request to a gateway of somebody else's. */
import { discard, readBytes } from '../outside.ts'
import type { PushGateway } from '../ports/push.ts'
import type { JsonValue } from '../protocol/events/canonical-json.ts'
import { objectField } from '../protocol/json-fields.ts'

type Deadline = <T>(work: (signal: AbortSignal) => Promise<T>) => Promise<T>

/** A gateway's answer is a list with one pushkey or none. Nothing beyond this many bytes is read. */
const LONGEST_ANSWER = 65_536

export function pushGateway(send: typeof fetch, deadline: Deadline): PushGateway {
  return {
    notify: (url, notification) =>
      deadline(async (signal) => {
        const response = await send(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ notification }),
          // A gateway that was checked must not lead to another place.
          redirect: 'manual',
          signal,
        })
        if (!response.ok) {
          await discard(response)
          throw new Error(`The push gateway answered ${response.status}`)
        }
        const { bytes, isWhole } = await readBytes(response, LONGEST_ANSWER)
        return isWhole ? rejectedIn(new TextDecoder().decode(bytes)) : []
      }),
  }
}

function rejectedIn(text: string): string[] {
  const rejected = objectField(parsed(text))?.rejected
  return Array.isArray(rejected) ? rejected.filter((key) => typeof key === 'string') : []
}

/** The notification was taken, whatever else the gateway says. */
function parsed(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue
  } catch {
    return undefined
  }
}
