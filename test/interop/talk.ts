/** What two people say to each other, and whether both have all of it. */
import { expect } from 'vitest'
import type { Client } from '../support/client.ts'
import { newest, PATIENCE, said } from './pair.ts'

export const numbered = (who: string, count: number, from = 1) =>
  Array.from({ length: count }, (_, index) => `${who} ${String(index + from).padStart(3, '0')}`)

export async function sayAll(who: Client, roomId: string, bodies: readonly string[]): Promise<void> {
  for (const body of bodies) await who.say(roomId, body)
}

export interface Talkers {
  alice: Client
  sam: Client
}

/** Each says all of theirs in turn, both at the same time. @param from the number of the first of each */
export async function talk(
  { alice, sam }: Talkers,
  roomId: string,
  { count, from }: { count: number; from?: number },
): Promise<string[]> {
  const [hers, his] = [numbered('alice', count, from), numbered('sam', count, from)]
  await Promise.all([sayAll(alice, roomId, hers), sayAll(sam, roomId, his)])
  return [...hers, ...his]
}

/**
 * Sam speaks until Alice hears it. After an outage a server tries again with something new to tell, unless it has just tried:
 * then it may wait for minutes. What it sends lets the other one try again as well. Answers what was said.
 */
export async function sayUntilHeard({ alice, sam }: Talkers, roomId: string): Promise<string[]> {
  const texts: string[] = []
  await expect
    .poll(
      async () => {
        texts.push(`sam again ${texts.length}`)
        await sam.say(roomId, texts.at(-1)!)
        return (await newest(alice, roomId)).some((text) => text.startsWith('sam again'))
      },
      { ...PATIENCE, interval: 500 },
    )
    .toBe(true)
  return texts
}

/** Both have all of it, and each speaker's in the order in which it was said. */
export async function expectAll({ alice, sam }: Talkers, roomId: string, texts: string[]): Promise<void> {
  for (const who of [alice, sam]) {
    // Reading a whole room is work for the servers that are to become ready.
    const patience = { ...PATIENCE, interval: texts.length > 100 ? 1_000 : PATIENCE.interval }
    await expect.poll(async () => (await said(who, roomId)).length, patience).toBe(texts.length)
    const seen = await said(who, roomId)
    for (const speaker of ['alice', 'sam'])
      expect(seen.filter((body) => body.startsWith(speaker))).toEqual(
        texts.filter((body) => body.startsWith(speaker)),
      )
  }
}
