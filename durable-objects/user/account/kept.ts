/** Sessions of an object that was lost: their clients come again, and are not told to log out. */
import type { Ports } from '../../../src/ports/ports.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import { readMeta } from '../../sqlite.ts'
import { hasPast } from './past.ts'

interface KeptDependencies {
  sql: SqlStorage
  accounts: Pick<Ports['accounts'], 'find'>
  localpart: () => string
}

export class Kept {
  readonly #to: KeptDependencies
  /** There is no such account. */
  #isNobody = false

  constructor(dependencies: KeptDependencies) {
    this.#to = dependencies
  }

  /**
   * For a session that the object does not know. We have signed its token, so its user has logged in: an object that
   * remembers nothing of it was lost, or the account is of after a backup. A client that is told that its session has
   * ended deletes its keys, so it hears that only once the accounts have said so.
   * @throws MatrixError 503 until the object is made again from the archive
   */
  require(): void {
    const { accounts, localpart, sql } = this.#to
    if (readMeta(sql, 'user_id') !== undefined || hasPast(sql) || this.#isNobody) return
    void accounts.find(localpart()).then(
      (account) => {
        this.#isNobody = account === undefined
      },
      () => {},
    )
    const sentence = "This user's data are missing and must be restored; try again later"
    throw new MatrixError('M_UNKNOWN', sentence, { status: 503 })
  }
}
