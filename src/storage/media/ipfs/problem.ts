/** What is wrong with the settings of a Kubo, found out before anything is kept there. */
import type { IpfsSettings } from '../../../ports/config.ts'
import { StoreAway, StoreRefused } from '../failures.ts'
import type { Kubo } from './kubo.ts'

/** One sentence, or nothing. */
export async function ipfsProblem({ api }: IpfsSettings, kubo: Kubo): Promise<string | undefined> {
  try {
    await kubo.version()
    return undefined
  } catch (error) {
    if (error instanceof StoreAway) {
      return `no Kubo answers at ${api} (${error.code}): is it running? --ipfs-api names another`
    }
    const code = error instanceof StoreRefused ? error.code : 'NoVersion'
    return code === 'HTTP_401' || code === 'HTTP_403'
      ? `the Kubo at ${api} refuses (${code}): --ipfs-api-secret must be the AuthSecret of its API.Authorizations`
      : `${api} is not the RPC API of a Kubo (${code}): --ipfs-api must name it, not the gateway`
  }
}
