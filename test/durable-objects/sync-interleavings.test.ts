/**
 * The interleavings of the sync model, on the real objects: random sends, polls, lost answers, old tokens, evictions
 * and wakes that are lost, late or come twice. INTERLEAVING_RUNS and INTERLEAVING_SEED ask for more, or for a run again.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { planFault } from '../support/faults.ts'
import { serving } from '../support/serving.ts'
import { behind, followChains, type Truth } from './interleavings/chains.ts'
import { type Choices, choicesFrom } from './interleavings/random.ts'
import { Watcher } from './interleavings/watcher.ts'

const runs = Number(process.env.INTERLEAVING_RUNS ?? 2)
const seed = Number(process.env.INTERLEAVING_SEED ?? 475_123)
/**
 * Until then everybody must have been told what has happened, ms: wakes that were lost come again after 1 s, 2 s, …,
 * and one whose answer never comes, as an object that is reset may leave it, after 10 s.
 */
const PATIENCE_MS = 16_000

const FAULTS = [
  'drop:user.wake',
  'late:user.wake',
  'twice:user.wake',
  'slow:user.wake',
  'lose:user.wake',
  'hang:user.wake',
  'drop:room.pull',
  'late:room.pull',
  'slow:room.pull',
  'lose:room.pull',
  'user:abort-after-wake',
  'user:idle',
  'room:abort-after-commit',
]

const { server, http } = serving([], {
  staysAwake: 'it evicts by itself, users with one poll at most: see decision 6',
})

beforeAll(async () => {
  console.log(`interleavings: INTERLEAVING_SEED=${seed}`)
})

/** One random step. */
async function step(watcher: Watcher, choices: Choices): Promise<void> {
  const dice = choices.next()
  if (dice < 0.4) watcher.say(choices.pick(watcher.rooms))
  else if (dice < 0.75) watcher.poll()
  else if (dice < 0.92) await planFault(http, choices.pick(FAULTS))
  else if (dice < 0.95) await watcher.evict()
  else await sleep(choices.below(120))
  if (choices.chance(0.5)) await sleep(choices.below(12))
}

/** Whoever still waits must have nothing to wait for. */
async function awaitQuiet(watcher: Watcher, truth: Truth): Promise<string[]> {
  const asleep = () => {
    const { places } = followChains(watcher.answers, truth)
    return [...watcher.running].flatMap(({ since, waits, without }) => {
      const place = since === undefined ? undefined : places.get(since)
      const missing = behind(place, truth, without)
      return missing.length === 0 ? [] : [`${waits ? 'waits' : 'hangs'} with ${since}: ${missing}`]
    })
  }
  return eventually(asleep, (left) => left.length === 0, PATIENCE_MS).catch(asleep)
}

/** Whoever asks, with whatever token, must come to every room's head. */
async function awaitHeads(watcher: Watcher, truth: Truth): Promise<string[]> {
  const deadline = Date.now() + PATIENCE_MS
  const stalled: string[] = []
  for (const { client, token } of watcher.tokens()) {
    let at = await watcher.catchUp(client, token)
    const missing = () => behind(followChains(watcher.answers, truth).places.get(at), truth)
    const catchUp = async () => {
      if (missing().length > 0) at = await watcher.catchUp(client, at)
      return missing().length
    }
    await eventually(catchUp, (count) => count === 0, deadline - Date.now()).catch(() => undefined)
    stalled.push(...missing().map((one) => `with ${at}: ${one}`))
  }
  return stalled
}

/** A whole run; answers what was broken. */
async function run(choices: Choices, rooms: number, steps: number, burst: number): Promise<string[]> {
  const watcher = await Watcher.create(server, http, choices, rooms)
  for (let i = 0; i < steps; i += 1) {
    await step(watcher, choices)
    // More rooms than a tail may name.
    if (burst > 0 && i % burst === 0)
      for (const room of watcher.rooms) if (choices.chance(0.9)) watcher.say(room)
  }
  for (const name of FAULTS) await planFault(http, name, 0)
  const truth = await watcher.truth()
  const asleep = await awaitQuiet(watcher, truth)
  for (const { controller } of watcher.running) controller.abort()
  const stalled = await awaitHeads(watcher, truth)
  const { broken, restarts } = followChains(watcher.answers, truth)
  const events = [...truth.values()].reduce((sum, ids) => sum + ids.length, 0)
  const epochs = Math.max(...watcher.answers.map(({ next }) => Number(/^s(\d+)/.exec(next)?.[1])))
  const evicted = [...watcher.evicted].map(([kind, count]) => `${kind} ${count}`).join(', ')
  console.log(
    `${events} events, ${watcher.answers.length} answers, ${restarts} anew, ${epochs} epochs, evicted: ${evicted}`,
  )
  return [...broken, ...asleep.map((one) => `asleep: ${one}`), ...stalled.map((one) => `stalled: ${one}`)]
}

describe('sync, whatever the network and the platform do,', () => {
  it.each(Array.from({ length: runs }, (_, i) => seed + i))(
    'loses nothing and tells nothing twice, in 8 rooms (seed %i)',
    async (runSeed) => {
      expect(await run(choicesFrom(runSeed), 8, 250, 0)).toEqual([])
    },
    120_000,
  )

  it('loses nothing and tells nothing twice, even in more rooms than a token names', async () => {
    expect(await run(choicesFrom(seed + 100_000), 40, 200, 40)).toEqual([])
  }, 120_000)
})
