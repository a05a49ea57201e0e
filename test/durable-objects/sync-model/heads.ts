/** The heads of the User object itself, and mutants of them: each does without one of its rules. */
import { KnownHeads, type Question } from '../../../durable-objects/user/sync/known-heads.ts'
import type { Rule } from './rules.ts'

class WithoutPassing extends KnownHeads {
  override raise(room: number, head: number): void {
    if ((this.known.get(room) ?? head) < head) this.known.set(room, head)
  }
}

class WithoutRaiseOnly extends KnownHeads {
  override raise(room: number, head: number): void {
    super.raise(room, head)
    this.learn(room, head)
  }
}

class WithoutLossDoubts extends KnownHeads {
  override forget(room: number): void {
    this.known.delete(room)
  }
}

class WithoutLossForgets extends KnownHeads {
  override lost(): void {}
}

export class WithoutLateEnd extends KnownHeads {
  /** The question is over, and leaves no doubt. */
  end(question: Question): void {
    this.questions.delete(question)
  }
}

class WithoutRollOver extends KnownHeads {
  override carries(): boolean {
    return false
  }
}

const MUTANTS: { readonly [rule in Rule]?: new () => KnownHeads } = {
  passing: WithoutPassing,
  raiseOnly: WithoutRaiseOnly,
  lossDoubts: WithoutLossDoubts,
  lossForgets: WithoutLossForgets,
  lateEnd: WithoutLateEnd,
  rollOver: WithoutRollOver,
}

export function headsWithout(rule: Rule | undefined): KnownHeads {
  const Heads = (rule && MUTANTS[rule]) ?? KnownHeads
  return new Heads()
}
