/** Where two devices of a user meet before the new one is signed in: MSC4108. */

/** MSC4108: a text that two devices hand to and fro, with the number of the write it came by. */
export interface Rendezvous {
  version: number
  payload: string
  modifiedTs: number
  expiresTs: number
}

export interface RendezvousStore {
  create(id: string, payload: string, lifetimeMs: number): Promise<Rendezvous>
  find(id: string): Promise<Rendezvous | undefined>
  /** Writes over `version` alone: of two writers, one is told `changed`. `spent`: there have been too many writes. */
  replace(id: string, version: number, payload: string): Promise<Rendezvous | 'gone' | 'changed' | 'spent'>
  /** False when there is no such session. */
  remove(id: string): Promise<boolean>
}
