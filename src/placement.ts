/** Whether the settings look for the objects where they are: elsewhere everybody would find empty ones under their names. */
import type { Logger } from './ports/log.ts'
import type {
  KeptPlacement,
  Placement,
  PlacementCheck,
  PlacementCopy,
  PlacementRecord,
} from './ports/placement.ts'
import type { Clock } from './ports/system.ts'
import { MatrixError } from './protocol/errors.ts'

/** How long objects are called unconfirmed after neither database has answered, ms: rooms go on without both. */
const UNCONFIRMED_MS = 60_000

/** What this isolate knows: each of its objects has ports of its own, and all have one deployment. */
const known = { confirmed: '', unconfirmedUntil: 0 }

/** What is needed of a namespace of objects. */
export interface Places<Id, Stub> {
  jurisdiction(name: NonNullable<Placement['jurisdiction']>): Places<Id, Stub>
  idFromName(name: string): Id
  get(id: Id, options: { locationHint?: Placement['locationHint'] }): Stub
}

const ANYWHERE = {}

/** The object of this name. The same name in another jurisdiction is another object. */
export function objectAt<Id, Stub>(
  everywhere: Places<Id, Stub>,
  { jurisdiction, locationHint }: Placement,
  name: string,
): Stub {
  const places = jurisdiction === undefined ? everywhere : everywhere.jurisdiction(jurisdiction)
  // Without a hint the platform makes an object near its first caller: a Room near its creator, a User near the user.
  return places.get(places.idFromName(name), locationHint === undefined ? ANYWHERE : { locationHint })
}

interface Outside {
  record: PlacementRecord
  copy: PlacementCopy
  clock: Clock
  log: Logger
}

/** The check of these settings, which asks once an isolate. */
export function placementCheck(set: Placement, { record, copy, clock, log }: Outside): PlacementCheck {
  const wanted = { jurisdiction: set.jurisdiction ?? '', locationHint: set.locationHint ?? '' }
  const wantedText = textOf(wanted)
  const ask = async (): Promise<void> => {
    const copied = await copy.get().catch(() => undefined)
    if (copied !== undefined && isSame(copied, wanted)) {
      known.confirmed = wantedText
      return
    }
    let fixed: KeptPlacement
    try {
      fixed = await record.fix(wanted)
    } catch {
      known.unconfirmedUntil = clock.now() + UNCONFIRMED_MS
      return
    }
    if (!isSame(fixed, wanted)) throw refused(fixed, wanted, log)
    known.confirmed = wantedText
    await copy.put(wanted).catch(() => undefined)
  }
  return {
    confirm() {
      if (known.confirmed === wantedText || clock.now() < known.unconfirmedUntil) return undefined
      return ask()
    },
  }
}

function refused(fixed: KeptPlacement, wanted: KeptPlacement, log: Logger): MatrixError {
  log.trouble('placement', 'JURISDICTION or LOCATION_HINT has changed, and the objects stay where they are', {
    made_by: textOf(fixed),
    set: textOf(wanted),
  })
  return new MatrixError(
    'M_UNKNOWN',
    'The server is not set up as its data are. Its operator must mend that.',
    {
      status: 503,
    },
  )
}

function isSame(one: KeptPlacement, other: KeptPlacement): boolean {
  return textOf(one) === textOf(other)
}

function textOf({ jurisdiction, locationHint }: KeptPlacement): string {
  return `jurisdiction ${jurisdiction || 'none'}, location hint ${locationHint || 'none'}`
}
