/** Rounds, percentiles and the two ways to measure: how many in a time, and how long each. */

export interface Timing {
  rounds: number
  /** How long one round runs. */
  roundMs: number
  /** How long the unrecorded round before them runs. */
  warmUpMs: number
  /** A latency round ends early when it has this many samples. */
  maxSamples: number
}

export interface Summary {
  min: number
  median: number
  max: number
  rounds: number[]
}

export function summarise(rounds: readonly number[]): Summary {
  const sorted = [...rounds].sort((a, b) => a - b)
  return {
    min: sorted[0] ?? Number.NaN,
    median: percentile(sorted, 50),
    max: sorted.at(-1) ?? Number.NaN,
    rounds: [...rounds],
  }
}

/** The nearest-rank percentile of samples in any order. */
export function percentile(samples: readonly number[], rank: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((rank / 100) * sorted.length) - 1)] ?? Number.NaN
}

/** Operations a second with `width` in flight, one figure a round. */
export async function throughput(
  timing: Timing,
  width: number,
  work: () => Promise<unknown>,
): Promise<number[]> {
  await operationsPerSecond(timing.warmUpMs, width, work)
  const rounds: number[] = []
  while (rounds.length < timing.rounds) rounds.push(await operationsPerSecond(timing.roundMs, width, work))
  return rounds
}

async function operationsPerSecond(
  durationMs: number,
  width: number,
  work: () => Promise<unknown>,
): Promise<number> {
  const start = performance.now()
  let done = 0
  const lane = async () => {
    while (performance.now() - start < durationMs) {
      await work()
      done += 1
    }
  }
  await Promise.all(Array.from({ length: width }, lane))
  return done / ((performance.now() - start) / 1000)
}

/** One sample may hold several figures (send, delivery …), each in ms. */
export type Sample<Key extends string> = Record<Key, number>

/** One-at-a-time samples, a list for each round; `sample` times itself, so what it prepares is not counted. */
export async function sampleRounds<Key extends string>(
  timing: Timing,
  sample: () => Promise<Sample<Key>>,
): Promise<Sample<Key>[][]> {
  await samplesFor(timing.warmUpMs, timing.maxSamples, sample)
  const rounds: Sample<Key>[][] = []
  while (rounds.length < timing.rounds)
    rounds.push(await samplesFor(timing.roundMs, timing.maxSamples, sample))
  return rounds
}

async function samplesFor<Key extends string>(
  durationMs: number,
  maxSamples: number,
  sample: () => Promise<Sample<Key>>,
): Promise<Sample<Key>[]> {
  const end = performance.now() + durationMs
  const samples: Sample<Key>[] = []
  do samples.push(await sample())
  while (performance.now() < end && samples.length < maxSamples)
  return samples
}

/** One percentile of one figure for each round. */
export function percentiles<Key extends string>(rounds: Sample<Key>[][], key: Key, rank: number): number[] {
  return rounds.map((samples) =>
    percentile(
      samples.map((sample) => sample[key]),
      rank,
    ),
  )
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

/** Between samples that stand alone: after a delivery the receivers ask again, and must not run into the next. */
export const REST_MS = 10

/** A sample that begins after a rest: by then the processor has cooled down, for the ceiling as for a server. */
export async function afterRest(work: () => Promise<unknown>): Promise<Sample<'time'>> {
  await pause(REST_MS)
  return { time: await timed(work) }
}

const PACE_MS = 5

/** Begins `work` so many times, so many times a second, and waits for all of it. `work` must not fail. */
export async function paced(
  count: number,
  rate: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  const start = performance.now()
  const begun: Promise<void>[] = []
  while (begun.length < count) {
    const due = Math.min(count, 1 + Math.floor(((performance.now() - start) / 1_000) * rate))
    while (begun.length < due) begun.push(work(begun.length))
    if (due < count) await pause(PACE_MS)
  }
  await Promise.all(begun)
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
