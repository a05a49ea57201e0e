/** The clients behind connections of the local TLS listener: in this isolate, as the launcher has told of them. */

/** By the peer that the runtime sees. A port is used by one connection at a time, so there are few. */
const clients = new Map<string, string>()

/** The address behind the TLS listener's connection, if this peer is one. */
export function behindTls(peer: string): string | undefined {
  return clients.get(peer)
}

/** Notes the client of the connection that this peer is from now on. */
export function noteTlsClient(peer: string, address: string): void {
  clients.set(peer, address)
}
