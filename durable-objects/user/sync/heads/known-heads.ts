/**
 * What a User object knows of its rooms' heads while it lives, by the rules of decisions 3 and 10. The model in
 * `test/durable-objects/sync-model` runs this very class, and shows what is lost without each of its rules.
 */

/** A pull under way. */
export interface Question {
  room: number
  /** The furthest that a wake has named meanwhile: it may pass the answer on the way. */
  passed: number
  /** The Room may have told more than its answer will: to another pull, whose answer was lost. */
  doubtful: boolean
}

/** How a room stands as a new epoch begins. */
export interface Standing {
  /** The newest epoch in which it was noted as moved. */
  movedIn: number
  /** The epoch that ends. */
  epoch: number
  /** Its place in the snapshot of the new one. */
  position: number
  /** The ended epoch had no place for it, and so may lack its note. */
  untold: boolean
}

export class KnownHeads {
  /** Heads known for certain: only an answer, or the token of a waiting socket, makes one known. */
  protected readonly known = new Map<number, number>()
  /** Pulls under way. */
  protected readonly questions = new Set<Question>()

  head(room: number): number | undefined {
    return this.known.get(room)
  }

  /** The token of a waiting socket says where a room stands. */
  learn(room: number, head: number): void {
    this.known.set(room, Math.max(this.known.get(room) ?? 0, head))
  }

  /**
   * A wake raises a known head; it never makes one known, since it may be an old copy. While a room is being asked,
   * the wake's position is kept for the answer, which may be the older of the two.
   */
  raise(room: number, head: number): void {
    for (const question of this.questionsTo(room)) question.passed = Math.max(question.passed, head)
    const known = this.known.get(room)
    if (known !== undefined && known < head) this.known.set(room, head)
  }

  /**
   * Nothing is known of a room any more: it was left, its wakes are no longer wanted, or it may have told what did
   * not arrive. Nor will the answers that are on their way make it known.
   */
  forget(room: number): void {
    this.known.delete(room)
    for (const question of this.questionsTo(room)) question.doubtful = true
  }

  /** A Room may have told what did not arrive: the next sync must ask it. */
  lost(room: number): void {
    this.forget(room)
  }

  /** Whether a room is being asked, or any. */
  asking(room?: number): boolean {
    return room === undefined ? this.questions.size > 0 : this.questionsTo(room).length > 0
  }

  /** A pull is under way from now on. */
  protected begin(room: number): Question {
    const question = { room, passed: 0, doubtful: false }
    this.questions.add(question)
    return question
  }

  /**
   * Ends a pull. Its answer makes the head known, unless it is doubtful.
   * @param head undefined: none came, though the Room may have given it
   */
  answered(question: Question, head: number | undefined): void {
    this.questions.delete(question)
    const furthest = Math.max(head ?? 0, question.passed)
    if (head === undefined) this.lost(question.room)
    else if (question.doubtful) this.raise(question.room, furthest)
    else this.learn(question.room, furthest)
  }

  /** The sync goes on without an answer. The pull is under way still: the Room may be asked only now. */
  gaveUp({ room }: Question): void {
    this.lost(room)
  }

  /** The call of a pull that was given up has ended; nobody waited for what the Room said. */
  endedLate(question: Question): void {
    this.answered(question, undefined)
  }

  /**
   * Whether a new epoch must note a room as moved: it stands further than the snapshot, is being asked, or is not
   * known and was moved, or not told, in the epoch before.
   */
  carries(room: number, { movedIn, epoch, position, untold }: Standing): boolean {
    const head = this.known.get(room)
    return head === undefined || this.asking(room) ? untold || movedIn === epoch : head > position
  }

  protected questionsTo(room: number): Question[] {
    return [...this.questions].filter((question) => question.room === room)
  }
}
