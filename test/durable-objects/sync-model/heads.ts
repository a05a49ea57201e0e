/** What a User object remembers of its rooms while it lives: heads, and the questions that are under way. */
import type { Rule } from './rules.ts'

export interface Question {
  room: number
  passed: number
  doubtful: boolean
}

export class KnownHeads {
  readonly known = new Map<number, number>()
  readonly questions = new Set<Question>()
  readonly #without: Rule | undefined

  constructor(without: Rule | undefined) {
    this.#without = without
  }

  learn(room: number, head: number): void {
    this.known.set(room, Math.max(this.known.get(room) ?? 0, head))
  }

  raise(room: number, head: number): void {
    if (this.#without !== 'passing') {
      for (const one of this.#to(room)) one.passed = Math.max(one.passed, head)
    }
    if (this.known.has(room) || this.#without === 'raiseOnly') this.learn(room, head)
  }

  forget(room: number): void {
    this.known.delete(room)
    if (this.#without !== 'lossDoubts') for (const one of this.#to(room)) one.doubtful = true
  }

  asking(room?: number): boolean {
    return room === undefined ? this.questions.size > 0 : this.#to(room).length > 0
  }

  ask(room: number): Question {
    const question = { room, passed: 0, doubtful: false }
    this.questions.add(question)
    return question
  }

  answered(question: Question, head: number | undefined): void {
    this.questions.delete(question)
    const furthest = Math.max(head ?? 0, question.passed)
    if (head === undefined) this.lost(question.room)
    else if (question.doubtful) this.raise(question.room, furthest)
    else this.learn(question.room, furthest)
  }

  /** A room may have told what did not arrive. */
  lost(room: number): void {
    if (this.#without !== 'lossForgets') this.forget(room)
  }

  #to(room: number): Question[] {
    return [...this.questions].filter((one) => one.room === room)
  }
}
