/** What the data of the earlier version holds: the ids and tokens that its makers were given. */
export interface Account {
  userId: string
  token: string
  deviceId: string
}

export interface Scene {
  serverName: string
  password: string
  alice: Account
  bob: Account
  /** Where each of them was when the server stopped, and what came after. */
  since: { alice: string; bob: string }
  lobby: {
    roomId: string
    alias: string
    hello: string
    helloTxn: string
    redacted: string
    redaction: string
    root: string
    reply: string
    reaction: string
    edited: string
    /** Sent after both had synced. */
    late: string
  }
  space: string
  left: string
  banned: string
  invited: string
  /** The room of the delayed event, and its id. */
  delayed: { roomId: string; delayId: string }
  /** Of a second session of Bob's. */
  refreshToken: string
  filterId: string
  backupVersion: string
  /** Bob's, of the keys that he published. */
  ed25519: string
  oneTimeKeys: number
  media: { uri: string; text: string }
}
