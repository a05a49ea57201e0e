/** Messages to devices. */

/** One to-device message, for one device or, by `*`, for all that its receiver has. */
export interface ToDeviceMessage {
  deviceId: string
  type: string
  /** JSON. */
  content: string
}

/** What a sender has for one user, numbered in the sender's order. */
export interface ToDeviceParcel {
  seq: number
  messages: ToDeviceMessage[]
}
