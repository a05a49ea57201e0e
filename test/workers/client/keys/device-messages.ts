/** To-device messages as tests send them, and look at what has come. */
import { type Body, type Client, must } from '../../../support/client.ts'

export const TYPE = 'm.room_key_request'

let transactions = 0

/** Sends messages to devices, in a transaction of their own where none is named. */
export function send(from: Client, messages: Body, txnId?: string) {
  transactions += 1
  return from.put(`/sendToDevice/${TYPE}/${txnId ?? `t${transactions}`}`, { messages })
}

/** A message for one device, or for all by `*`. */
export const to = (client: Client, content: Body, deviceId = client.deviceId): Body => ({
  [client.userId]: { [deviceId]: content },
})

/** One answer: its messages' contents, and its token. */
export async function look(
  client: Client,
  since?: string,
  timeout?: number,
): Promise<{ said: Body[]; next: string }> {
  const { body } = must(await client.sync({ since, timeout }))
  const events: Body[] = body.to_device?.events ?? []
  return { said: events.map(({ content }) => content), next: body.next_batch }
}
