/** The rules of decisions 3, 9, 10 and 35, each of which the model can do without. */
export const RULES = {
  noteWakes: 'a wake is noted in the epoch before it is answered',
  noteBeforeAsking: 'a room is noted as moved before it is asked',
  raiseOnly: 'a wake raises a known head, and makes none known',
  passing: 'a wake that passes an answer on the way raises what the answer says',
  generations: 'the answer to a wake that left before a pull says nothing about the time after it',
  rollOver: 'a new epoch carries over what was noted and is not told yet',
  untold: 'a new epoch carries over what the one before had no place for, if its head is not known',
  rouse: 'when a room was asked for one device, whatever came of it, all waiting polls are looked at again',
  lookAgain: 'a poll that found nothing looks again, before it waits and while it does',
  lossForgets: 'a pull that brought no answer makes the head unknown',
  lossDoubts: 'an answer under way when another was lost makes no head known',
  lateEnd: 'an answer that comes after all patience makes the head unknown once more',
  levelOnly: 'only a token that stood at every head teaches heads after an eviction',
  askingUnlevels: 'while a room is being asked no waiting token counts as standing at every head',
  wakeUnlevels: 'a wake that is answered before the waiting are served makes their tokens stand behind',
  leftNoted: 'a wake that is left for later is noted in the epoch like any other',
  leftOutlives: 'what is left for later is kept with the polls that wait',
  leftTaken: 'what was left for later is told once the user looks',
  joins: 'what wakes carried is told only where it joins on without a gap',
} as const

export type Rule = keyof typeof RULES
