/** A month of an active user, as data: how often they do what. Sources stand beside the figures, the rest is assumed. */

/** How many users the bill is for. */
export const USERS = 1_000

/** Days on which a user is there. */
const DAYS = 30

/**
 * Hours a day with a client open, all devices together. "Users at paid customers averaged nine hours connected to
 * Slack through at least one device" a workday: Slack's Form S-1, 2019.
 */
const HOURS = 9

/** Minutes of these in which a user does something: "more than 90 minutes", in the same place. */
const ACTIVE_MINUTES = 90
/** Minutes after which a user that does nothing is idle. */
const IDLE_AFTER_MINUTES = 5

/** Clients ask again after so many seconds without news: Element's timeout. */
const POLL_SECONDS = 30
/** The share of an open client's polls that end with nothing: talk comes in bursts, and most half minutes bring nothing. */
const QUIET_POLLS = 0.7

/** "More than one billion messages" in a week of ten million daily users: a hundred each, twenty a workday. Form S-1. */
const MESSAGES_A_DAY = 20

/**
 * Where messages are written. `others`: members beside the sender; `awake`: the share of them with a client open, since
 * people write when others are there; `readers`: those with the room open, who send a receipt; `together`: as many of
 * their receipts as are told together. A room of many gathers them for five seconds, others for one.
 */
export const ROOMS = [
  { name: 'pairs', share: 0.4, others: 1, awake: 0.8, readers: 0.6, together: 3 },
  { name: 'groups of 8', share: 0.3, others: 7, awake: 0.7, readers: 2, together: 3 },
  { name: 'rooms of 30', share: 0.22, others: 29, awake: 0.6, readers: 3.5, together: 3 },
  { name: 'rooms of 200', share: 0.08, others: 199, awake: 0.5, readers: 6, together: 6 },
] as const

/** The receipts of one burst, as the test sends them. */
export const BURST = 3

/** People awake in a user's rooms of at most 100 members: they hear of the user's presence. */
const ACQUAINTANCES = 40
/** Rooms that a user is in, and those of them that changed while they were away. */
const JOINED_ROOMS = 20
const CHANGED_ROOMS = 6
/** Times a day that somebody opens a client, goes, and so on. */
const OPENINGS = 6
/** Times a day that a user at an open client does nothing for five minutes, and comes back. */
const IDLE_SPELLS = 4

/** The share of the people awake who look, since they did something within the last minutes. */
const LOOKING = (ACTIVE_MINUTES + (OPENINGS + IDLE_SPELLS) * IDLE_AFTER_MINUTES) / (HOURS * 60)

/** How long one writes before a message is sent, seconds: timers of typing are held against it. */
export const TYPING_SECONDS = 8

export type Operation = keyof typeof OPERATIONS

interface Frequency {
  title: string
  /** Times a month and user, and how many people or rooms each reaches; for operations of one size `reach` is 0. */
  times: number
  reach: number
}

const messages = MESSAGES_A_DAY * DAYS
const awakeOthers = sum(({ share, others, awake }) => share * others * awake)
/** Receipts reach all who are awake, the sender of the message among them. */
const bursts = sum(({ share, readers }) => share * readers) / BURST
const reachOfReceipts =
  sum(
    ({ share, readers, together, others, awake }) =>
      share * (readers / together) * Math.max(1, others * awake),
  ) / bursts

/** Readers and the sender look at their clients. Of the others a share does. */
const lookAtReceipts = BURST + Math.max(0, reachOfReceipts - BURST) * LOOKING

/** What the test runs and counts. `reach` is 0 if the operation reaches nobody else. */
export const OPERATIONS = {
  quietPoll: {
    title: 'a poll that ends with nothing',
    times: ((HOURS * 3600) / POLL_SECONDS) * QUIET_POLLS * DAYS,
    reach: 0,
  },
  message: { title: 'a message', times: messages, reach: awakeOthers },
  typing: { title: 'typing, which ends with its message', times: messages, reach: awakeOthers * LOOKING },
  typingIdle: {
    title: 'the same, for people who do not look',
    times: messages,
    reach: awakeOthers * (1 - LOOKING),
  },
  receipts: {
    title: `receipts of ${BURST} readers at once`,
    times: messages * bursts,
    reach: lookAtReceipts,
  },
  receiptsIdle: {
    title: 'the same, for people who do not look',
    times: messages * bursts,
    reach: reachOfReceipts - lookAtReceipts,
  },
  presence: {
    title: 'presence, idle and back',
    times: (IDLE_SPELLS + OPENINGS) * DAYS,
    reach: ACQUAINTANCES * LOOKING,
  },
  presenceIdle: {
    title: 'the same, for people who do not look',
    times: (IDLE_SPELLS + OPENINGS) * DAYS,
    reach: ACQUAINTANCES * (1 - LOOKING),
  },
  presenceRooms: {
    title: "the same, for the user's rooms",
    times: (IDLE_SPELLS + OPENINGS) * DAYS,
    reach: JOINED_ROOMS,
  },
  opening: { title: 'opening a client after an absence', times: OPENINGS * DAYS, reach: CHANGED_ROOMS },
  firstNews: {
    title: 'the first message for somebody who has gone',
    times: OPENINGS * DAYS * CHANGED_ROOMS,
    reach: 0,
  },
  toDevice: { title: 'to-device messages, such as room keys', times: 40, reach: 12 },
  keysQuery: { title: "other users' keys", times: 100, reach: 5 },
  oneTimeKeys: { title: 'one-time keys, uploaded', times: 20, reach: 0 },
  history: { title: 'a page of history, and other reads of a room', times: 400, reach: 0 },
  accountData: { title: 'account data, such as a read marker', times: 10 * DAYS, reach: 0 },
  upload: { title: 'an upload', times: 15, reach: 0 },
  thumbnail: { title: 'a thumbnail, made before', times: 1_000, reach: 0 },
  download: { title: 'a download', times: 60, reach: 0 },
  createRoom: { title: 'a new room', times: 1, reach: 0 },
  join: { title: 'a join', times: 2, reach: 0 },
  login: { title: 'a login with its first sync', times: 2, reach: 0 },
} satisfies Record<string, Frequency>

/** What is not counted, but assumed. */
export const ASSUMED = {
  /** Processor time of a Worker's request. One machine needs about half a millisecond for a whole send. */
  workerCpuMs: 1.5,
  /** How long a request keeps its object: the work, and the objects it asks in turn. */
  objectSeconds: 0.02,
  /** An object is billed as if it had this much memory, whatever it uses. */
  objectGb: 0.125,
  /** The bytes of a message with its indexes, in its room and in the archive, and how many months are kept. */
  messageBytes: 2_000,
  archivedBytes: 2_000,
  months: 6,
  /** An upload with its thumbnails. */
  uploadBytes: 400_000,
  /** The smallest Postgres, which never sleeps where somebody writes every few minutes. */
  postgresUnits: 0.25,
  hours: 730,
} as const

/** Messages a month and user. */
export const MESSAGES = messages

function sum(of: (room: (typeof ROOMS)[number]) => number): number {
  return ROOMS.reduce((total, room) => total + of(room), 0)
}
