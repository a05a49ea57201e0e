/**
 * Moving media to another store while the server runs, in steps. What is set up is read, so nothing has to be found twice:
 * new uploads go where they always go, and a further run takes those that came meanwhile.
 */
import {
  type Bucket,
  MEDIA_STORES,
  type MediaBuckets,
  type MediaMover,
  type MediaStoreName,
  type MoveOutcome,
  type MoveStep,
} from '../../ports/bucket.ts'
import type { Clock } from '../../ports/system.ts'
import { MatrixError } from '../../protocol/errors.ts'
import { copyObject, deleteSource } from './copy.ts'
import { MOVED } from './keys.ts'

/** What one step may do at most: a Worker has so many calls, and its client waits so long. */
const MOST_KEYS = 20
const MOST_BYTES = 64 * 1024 * 1024
const MOST_MS = 10_000
/** Each copy has a stream from one store and one to the other. */
const AT_ONCE = 2

export function mediaMover(written: MediaStoreName, buckets: MediaBuckets, clock: Clock): MediaMover {
  return {
    async step(step) {
      const { to, after } = step
      const target = buckets[to]
      if (target === undefined) throw refused(`The store ${to} is not set up: its settings are missing`)
      if (step.deleteSource && written !== to) {
        throw refused(`New media go to ${written}: choose ${to} as the store first, then delete the source`)
      }
      const outcome: MoveOutcome = { copied: 0, bytes: 0, there: 0, deleted: 0, failed: [] }
      const sources = MEDIA_STORES.filter((name) => name !== to && buckets[name] !== undefined)
      const place = after === undefined ? firstPlace(sources) : placeOf(after)
      if (place === undefined) return outcome
      const source = buckets[place.store]
      if (source === undefined || place.store === to) throw refused('after is not a place of this move')
      const until = clock.now() + MOST_MS
      const isOver = () => outcome.bytes >= MOST_BYTES || clock.now() >= until
      const prefix = MOVED[place.kind]!
      const page = await source.list(prefix, MOST_KEYS, prefix + place.rest)
      const reached = await goThrough(page.keys, { source, target, step, outcome, isOver })
      const key = reached < page.keys.length ? page.keys[reached - 1] : page.next
      const next =
        key === undefined ? placeAfter(place, sources) : { ...place, rest: key.slice(prefix.length) }
      return next === undefined ? outcome : { ...outcome, next: textOf(next) }
    },
  }
}

interface Work {
  source: Bucket
  target: Bucket
  step: MoveStep
  outcome: MoveOutcome
  isOver: () => boolean
}

/** Answers how many of the keys were done. */
async function goThrough(keys: string[], { isOver, ...work }: Work): Promise<number> {
  let done = 0
  while (done < keys.length && (done === 0 || !isOver())) {
    const some = keys.slice(done, done + AT_ONCE)
    await Promise.all(some.map((key) => moveOne(key, work)))
    done += some.length
  }
  return done
}

async function moveOne(key: string, { source, target, step, outcome }: Omit<Work, 'isOver'>): Promise<void> {
  const copied = await copyObject(source, target, key)
  if (copied.kind === 'failed') outcome.failed.push({ key, reason: copied.reason })
  if (copied.kind === 'there') outcome.there += 1
  if (copied.kind === 'copied') {
    outcome.copied += 1
    outcome.bytes += copied.bytes
  }
  if (!step.deleteSource || copied.kind === 'failed' || copied.kind === 'gone') return
  const deleted = await deleteSource(source, target, key)
  if (deleted === 'deleted') outcome.deleted += 1
  else outcome.failed.push({ key, reason: deleted.reason })
}

/** A store, a kind of key by its place in `MOVED`, and the key after which to go on, without its beginning. */
interface Place {
  store: MediaStoreName
  kind: number
  rest: string
}

function firstPlace(sources: MediaStoreName[]): Place | undefined {
  const [store] = sources
  return store && { store, kind: 0, rest: '' }
}

function placeAfter({ store, kind }: Place, sources: MediaStoreName[]): Place | undefined {
  if (kind + 1 < MOVED.length) return { store, kind: kind + 1, rest: '' }
  return firstPlace(sources.slice(sources.indexOf(store) + 1))
}

const textOf = ({ store, kind, rest }: Place) => `${store}:${MOVED[kind]}${rest}`

function placeOf(text: string): Place {
  const colon = text.indexOf(':')
  const store = MEDIA_STORES.find((name) => name === text.slice(0, colon))
  const key = text.slice(colon + 1)
  const kind = MOVED.findIndex((prefix) => key.startsWith(prefix))
  if (store === undefined || kind === -1) throw refused('after is not a place of this move')
  return { store, kind, rest: key.slice(MOVED[kind]!.length) }
}

function refused(message: string): MatrixError {
  return new MatrixError('M_INVALID_PARAM', message)
}
