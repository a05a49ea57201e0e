/** What miniflare leaves open on a direct socket for its own tools, closed: a socket serves HTTP to strangers. */
import { CoreHeaders, HOST_CAPNP_CONNECT, Runtime } from 'miniflare'
import { systemRandom } from '../../src/system.ts'

let closed = false

/**
 * Called before a runtime starts. Without a header for `cf`, which clients could send, the runtime itself says there
 * who its peer is. It no longer listens to the name that turns a CONNECT into a line to the Worker's insides, past
 * every limit: the configuration has another name of that length, which nobody knows.
 */
export function closeBackDoors(): void {
  if (closed) return
  closed = true
  const headers = CoreHeaders as { CF_BLOB?: string }
  headers.CF_BLOB = undefined
  const { updateConfig } = Runtime.prototype
  Runtime.prototype.updateConfig = function (config, ...rest) {
    return updateConfig.call(this, withSecretName(config), ...rest)
  }
}

function withSecretName(config: Buffer): Buffer {
  const name = systemRandom.token(HOST_CAPNP_CONNECT.length)
  const secret = Buffer.from(config)
  for (let at = secret.indexOf(HOST_CAPNP_CONNECT); at >= 0; at = secret.indexOf(HOST_CAPNP_CONNECT, at)) {
    secret.write(name, at, 'latin1')
  }
  return secret
}
