/** One-time keys handed out a second, from one device that brings new ones whenever they are at an end. */

import { claimKey, register, uploadKeys } from '../client.ts'
import { throughput } from '../measure.ts'
import type { Row } from '../target.ts'

/** In one upload. */
const KEYS = 400
/** An upload leaves this early, so that no claim finds nothing. */
const RESERVE = 50
/** Synapse gives nothing to one of two claims that want the same key: its client asks again. */
const TRIES = 100

export const keysRow: Row = {
  name: 'keys',
  description: 'claims of the one-time keys of one device, its uploads of new ones included',
  async run({ http, timing, record }) {
    const owner = await register(http)
    const claimer = await register(http)
    let left = 0
    let uploading: Promise<void> | undefined
    const claim = async () => {
      if (left <= RESERVE) {
        uploading ??= uploadKeys(owner, KEYS).then(() => {
          left += KEYS
          uploading = undefined
        })
        await uploading
      }
      left -= 1
      for (let tries = 0; tries < TRIES; tries += 1) if (await claimKey(claimer, owner)) return
      throw new Error('no one-time key was left')
    }
    record('keys.claim.eight', await throughput(timing, 8, claim))
  },
}
