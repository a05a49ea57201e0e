/** What an attack is: a way to make a request bad, and how a server must answer it. */
import type { Draft } from './request.ts'
import type { Maker } from './values.ts'

/** What must come back; what is not named may be anything but a failure of the server. */
export interface Expected {
  statuses?: number[]
  errcodes?: string[]
  /** Whether success would be wrong. */
  mustFail?: boolean
}

export interface Attack {
  name: string
  /** Makes the draft bad. Nothing, where the operation offers no hold to it. */
  apply(draft: Draft, maker: Maker): Expected | undefined
}
