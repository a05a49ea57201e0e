/** How many keys each of the user's devices has left: what every answer says, news or not. */
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { oneTimeKeyCounts, unusedFallbackKeyTypes } from '../keys/device-keys.ts'

export class KeyCounts {
  readonly #sql: SqlStorage
  /** By device, until keys come or go. */
  readonly #known = new Map<string, JsonObject>()

  constructor(sql: SqlStorage) {
    this.#sql = sql
  }

  /** The fields of an answer: "if this entire parameter is absent, the count … is assumed to be zero". */
  of(deviceId: string): JsonObject {
    const known = this.#known.get(deviceId) ?? this.#count(deviceId)
    this.#known.set(deviceId, known)
    return known
  }

  /** Keys may have come or gone. */
  forget(): void {
    this.#known.clear()
  }

  #count(deviceId: string): JsonObject {
    const unused = unusedFallbackKeyTypes(this.#sql, deviceId)
    return {
      device_one_time_keys_count: oneTimeKeyCounts(this.#sql, deviceId),
      device_unused_fallback_key_types: unused,
      'org.matrix.msc2732.device_unused_fallback_key_types': unused,
    }
  }
}
