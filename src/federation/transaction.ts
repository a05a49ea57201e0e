/** A transaction: what one server sends another. Server-Server API §Transactions. */
import type { Ports } from '../ports/ports.ts'

const ID_LENGTH = 16

/**
 * Sends events, each as canonical JSON: they go as they were hashed and signed.
 * @throws ServerFailure
 */
export async function sendTransaction(
  { clock, config, federation, random }: Pick<Ports, 'clock' | 'config' | 'federation' | 'random'>,
  destination: string,
  events: readonly string[],
): Promise<void> {
  const now = clock.now()
  await federation.ask({
    kind: 'send',
    destination,
    uri: `/_matrix/federation/v1/send/${now}.${random.token(ID_LENGTH)}`,
    // In the order of canonical JSON.
    content: `{"origin":${JSON.stringify(config.serverName)},"origin_server_ts":${now},"pdus":[${events.join(',')}]}`,
  })
}
