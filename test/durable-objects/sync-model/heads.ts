/** The rules of the User object itself, and mutants of them: each does without one. */
import { type HeadParts, Heads, type Waiting } from '../../../durable-objects/user/sync/heads/heads.ts'
import type { Question, Standing } from '../../../durable-objects/user/sync/heads/known-heads.ts'
import type { LeftWake } from '../../../durable-objects/user/sync/heads/left-news.ts'
import {
  type WaitingClients,
  Waiting as WaitingRules,
} from '../../../durable-objects/user/sync/heads/waiting.ts'
import type { Increment } from '../../../src/objects/room/sync.ts'
import type { Rule } from './rules.ts'

class WithoutNoteWakes extends Heads {
  override woken(room: number, to: number): void {
    this.raise(room, to)
  }
}

class WithoutNoteBeforeAsking extends Heads {
  override ask(room: number): Question {
    return this.begin(room)
  }
}

class WithoutPassing extends Heads {
  override raise(room: number, head: number): void {
    if ((this.known.get(room) ?? head) < head) this.known.set(room, head)
  }
}

class WithoutRaiseOnly extends Heads {
  override raise(room: number, head: number): void {
    super.raise(room, head)
    this.learn(room, head)
  }
}

class WithoutLossDoubts extends Heads {
  override forget(room: number): void {
    const doubts = new Map([...this.questions].map((question) => [question, question.doubtful]))
    super.forget(room)
    for (const [question, doubtful] of doubts) question.doubtful = doubtful
  }
}

class WithoutLossForgets extends Heads {
  override lost(): void {}
}

class WithoutLateEnd extends Heads {
  override endedLate(question: Question): void {
    this.questions.delete(question)
  }
}

class WithoutRollOver extends Heads {
  override carries(): boolean {
    return false
  }
}

class WithoutUntold extends Heads {
  override carries(room: number, standing: Standing): boolean {
    return super.carries(room, { ...standing, untold: false })
  }
}

class WithoutLevelOnly extends Heads {
  override learnFrom(waiting: Iterable<Waiting>): boolean {
    return super.learnFrom([...waiting].map(({ place }) => ({ place, level: true })))
  }
}

class WithoutAskingUnlevels extends Heads {
  override get settled(): boolean {
    return true
  }
}

class WithoutJoins extends Heads {
  override keep(room: number, increment: Increment | undefined, length: number): void {
    super.keep(room, increment && { ...increment, from: 0 }, length)
  }
}

class WithoutLeftNoted extends Heads {
  override leave(wake: LeftWake): boolean {
    return this.head(wake.room) !== undefined && !this.asking(wake.room) && this.takesLeft(wake)
  }
}

class WithoutLeftOutlives extends Heads {
  override learnFrom(waiting: Iterable<Waiting>): boolean {
    return super.learnFrom([...waiting].map(({ place, level }) => ({ place, level })))
  }
}

class WithoutLeftTaken extends Heads {
  override takeLeft(): boolean {
    return false
  }
}

class WithoutWakeUnlevels<Client> extends WaitingRules<Client> {
  override woken(): void {}
}

class WithoutRouse<Client> extends WaitingRules<Client> {
  override asked(): boolean {
    super.asked()
    return false
  }
}

class WithoutLookAgain<Client> extends WaitingRules<Client> {
  override looksAgain(): boolean {
    return false
  }

  override begins(): boolean {
    return false
  }
}

const MUTANTS: { readonly [rule in Rule]?: new (parts: HeadParts) => Heads } = {
  noteWakes: WithoutNoteWakes,
  noteBeforeAsking: WithoutNoteBeforeAsking,
  passing: WithoutPassing,
  raiseOnly: WithoutRaiseOnly,
  lossDoubts: WithoutLossDoubts,
  lossForgets: WithoutLossForgets,
  lateEnd: WithoutLateEnd,
  rollOver: WithoutRollOver,
  untold: WithoutUntold,
  levelOnly: WithoutLevelOnly,
  askingUnlevels: WithoutAskingUnlevels,
  joins: WithoutJoins,
  leftNoted: WithoutLeftNoted,
  leftOutlives: WithoutLeftOutlives,
  leftTaken: WithoutLeftTaken,
}

export function headsWithout(rule: Rule | undefined, parts: HeadParts): Heads {
  const Mutant = (rule && MUTANTS[rule]) ?? Heads
  return new Mutant(parts)
}

const WAITING_MUTANTS: { readonly [rule in Rule]?: typeof WaitingRules } = {
  wakeUnlevels: WithoutWakeUnlevels,
  rouse: WithoutRouse,
  lookAgain: WithoutLookAgain,
}

export function waitingWithout<Client>(
  rule: Rule | undefined,
  heads: Heads,
  clients: WaitingClients<Client>,
): WaitingRules<Client> {
  const Mutant = (rule && WAITING_MUTANTS[rule]) ?? WaitingRules
  return new Mutant(heads, clients)
}
