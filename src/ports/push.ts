/** Push gateways. */
import type { JsonObject } from '../protocol/events/canonical-json.ts'

export interface PushGateway {
  /**
   * Hands a notification to a gateway. Answers the pushkeys that it refuses for good.
   * @throws when the gateway cannot be reached or has not taken the notification
   */
  notify(url: string, notification: JsonObject): Promise<string[]>
}
