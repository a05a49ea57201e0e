/** Every figure the bench can measure: its words, its unit and which way is better. */

/** How large the rows are that build something large first. */
export interface Sizes {
  members: number
  awake: number
  events: number
  rooms: number
  crowd: number
  /** Members of the room whose fork is resolved. */
  forked: number
}

export interface Figure {
  /** `{n}` stands for the size the row ran with. */
  label: string
  unit: '/s' | 'ms' | 'MB' | ''
  better: 'more' | 'less'
  /** The ceiling's figure this one is shown as a share of. */
  ceiling?: 'send.one' | 'send.eight' | 'send.p50' | 'send.p99' | 'send.rested'
  size?: keyof Sizes
}

export const FIGURES = {
  'client.one': { label: "the client's own floor, one at a time", unit: '/s', better: 'more' },
  'client.eight': { label: "the client's own floor, 8 in flight", unit: '/s', better: 'more' },

  'send.one': { label: 'sends, one at a time', unit: '/s', better: 'more', ceiling: 'send.one' },
  'send.eight': { label: 'sends, 8 in flight', unit: '/s', better: 'more', ceiling: 'send.eight' },
  'send.one.live': {
    label: 'sends, one at a time, 3 receivers',
    unit: '/s',
    better: 'more',
    ceiling: 'send.one',
  },
  'send.eight.live': {
    label: 'sends, 8 in flight, 3 receivers',
    unit: '/s',
    better: 'more',
    ceiling: 'send.eight',
  },

  'send.p50': { label: 'send, p50', unit: 'ms', better: 'less', ceiling: 'send.p50' },
  'send.p99': { label: 'send, p99', unit: 'ms', better: 'less', ceiling: 'send.p99' },
  'send.rested': {
    label: 'send after a rest of 10 ms, p50',
    unit: 'ms',
    better: 'less',
    ceiling: 'send.rested',
  },
  'delivery.send': { label: 'the same with a receiver, p50', unit: 'ms', better: 'less' },
  'delivery.p50': { label: 'delivery, p50', unit: 'ms', better: 'less' },
  'delivery.p99': { label: 'delivery, p99', unit: 'ms', better: 'less' },
  'delivery.after.p50': { label: 'delivery minus send, p50', unit: 'ms', better: 'less' },
  'delivery.after.p99': { label: 'delivery minus send, p99', unit: 'ms', better: 'less' },

  'sync.one.p50': { label: 'incremental sync, 1 changed room, p50', unit: 'ms', better: 'less' },
  'sync.one.p99': { label: 'incremental sync, 1 changed room, p99', unit: 'ms', better: 'less' },
  'sync.initial.p50': { label: 'initial sync, 10 rooms, p50', unit: 'ms', better: 'less' },
  'sync.initial.p99': { label: 'initial sync, 10 rooms, p99', unit: 'ms', better: 'less' },
  'create.p50': { label: 'createRoom, p50', unit: 'ms', better: 'less' },
  'create.p99': { label: 'createRoom, p99', unit: 'ms', better: 'less' },
  'join.p50': { label: 'join, p50', unit: 'ms', better: 'less' },
  'join.p99': { label: 'join, p99', unit: 'ms', better: 'less' },
  'login.p50': { label: 'login, p50', unit: 'ms', better: 'less' },
  'login.p99': { label: 'login, p99', unit: 'ms', better: 'less' },

  'keys.claim.eight': { label: 'claims of one-time keys, 8 in flight', unit: '/s', better: 'more' },

  'todevice.p50': { label: 'to-device delivery, p50', unit: 'ms', better: 'less' },
  'todevice.p99': { label: 'to-device delivery, p99', unit: 'ms', better: 'less' },

  'media.upload.p50': { label: 'upload of 10 MB, p50', unit: 'ms', better: 'less' },
  'media.download.p50': { label: 'download of 10 MB, p50', unit: 'ms', better: 'less' },

  'members.register': { label: 'registrations, 8 in flight', unit: '/s', better: 'more' },
  'members.join': { label: 'joins of one room, 8 in flight', unit: '/s', better: 'more' },
  'members.small.send': { label: 'send, room of 2 members, p50', unit: 'ms', better: 'less' },
  'members.some.send': { label: 'send, room of 11 members, 10 awake, p50', unit: 'ms', better: 'less' },
  'members.big.send': {
    label: 'send, room of {n} members, 10 awake, p50',
    unit: 'ms',
    better: 'less',
    size: 'members',
  },
  'members.small.delivery': { label: 'delivery, room of 2 members, p50', unit: 'ms', better: 'less' },
  'members.some.delivery': { label: 'delivery to 10 awake of 11 members, p50', unit: 'ms', better: 'less' },
  'members.big.delivery': {
    label: 'delivery to 10 awake of {n} members, p50',
    unit: 'ms',
    better: 'less',
    size: 'members',
  },

  'awake.send': { label: 'send, {n} awake in the room', unit: 'ms', better: 'less', size: 'awake' },
  'awake.half': { label: 'half of {n} awake have it', unit: 'ms', better: 'less', size: 'awake' },
  'awake.all': { label: 'all of {n} awake have it', unit: 'ms', better: 'less', size: 'awake' },
  'awake.memory': { label: 'memory an awake user, {n} awake', unit: 'MB', better: 'less', size: 'awake' },

  'crowd.start': { label: 'start of {n} clients at once', unit: 'ms', better: 'less', size: 'crowd' },
  'crowd.delivery.p50': {
    label: 'delivery in a crowd of {n}, p50',
    unit: 'ms',
    better: 'less',
    size: 'crowd',
  },
  'crowd.delivery.p99': {
    label: 'delivery in a crowd of {n}, p99',
    unit: 'ms',
    better: 'less',
    size: 'crowd',
  },
  'crowd.rest': { label: 'until the crowd is at rest', unit: 'ms', better: 'less' },
  'crowd.memory': { label: 'memory with a crowd of {n}', unit: 'MB', better: 'less', size: 'crowd' },
  'crowd.resets': { label: 'requests of the crowd that broke', unit: '', better: 'less' },
  'crowd.restart': { label: 'restart under {n} clients', unit: 'ms', better: 'less', size: 'crowd' },

  'history.small.send': { label: 'send, room of 10 events, p50', unit: 'ms', better: 'less' },
  'history.big.send': { label: 'send, room of {n} events, p50', unit: 'ms', better: 'less', size: 'events' },
  'history.small.messages': { label: '/messages of 10, room of 10 events, p50', unit: 'ms', better: 'less' },
  'history.big.messages': {
    label: '/messages of 10, room of {n} events, p50',
    unit: 'ms',
    better: 'less',
    size: 'events',
  },
  'history.small.initial': { label: 'initial sync, room of 10 events, p50', unit: 'ms', better: 'less' },
  'history.big.initial': {
    label: 'initial sync, room of {n} events, p50',
    unit: 'ms',
    better: 'less',
    size: 'events',
  },

  'rooms.small.idle': { label: 'idle sync, user with 1 room, p50', unit: 'ms', better: 'less' },
  'rooms.big.idle': {
    label: 'idle sync, user with {n} rooms, p50',
    unit: 'ms',
    better: 'less',
    size: 'rooms',
  },
  'rooms.small.one': { label: 'sync, 1 changed room of 1, p50', unit: 'ms', better: 'less' },
  'rooms.big.one': {
    label: 'sync, 1 changed room of {n}, p50',
    unit: 'ms',
    better: 'less',
    size: 'rooms',
  },
  'rooms.small.return': { label: 'return to 20 changed rooms of 20, p50', unit: 'ms', better: 'less' },
  'rooms.big.return': {
    label: 'return to 20 changed rooms of {n}, p50',
    unit: 'ms',
    better: 'less',
    size: 'rooms',
  },
  'rooms.big.first': {
    label: 'first sync of a user with {n} rooms, p50',
    unit: 'ms',
    better: 'less',
    size: 'rooms',
  },
  'sliding.first': {
    label: 'sliding sync, first 20 of {n} rooms, p50',
    unit: 'ms',
    better: 'less',
    size: 'rooms',
  },
  'sliding.idle': {
    label: 'idle sliding sync, user with {n} rooms, p50',
    unit: 'ms',
    better: 'less',
    size: 'rooms',
  },
  'sliding.one': {
    label: 'sliding sync, 1 changed room of {n}, p50',
    unit: 'ms',
    better: 'less',
    size: 'rooms',
  },
  'sliding.return': {
    label: 'sliding sync, return to 20 changed rooms of {n}, p50',
    unit: 'ms',
    better: 'less',
    size: 'rooms',
  },

  'resolution.fork': {
    label: 'resolution of a fork, 100 events in conflict, {n} members, p50',
    unit: 'ms',
    better: 'less',
    size: 'forked',
  },

  'memory.rest': { label: 'memory of the process tree at rest', unit: 'MB', better: 'less' },
  'memory.end': { label: 'memory of the process tree after all rows', unit: 'MB', better: 'less' },
} as const satisfies Record<string, Figure>

export type FigureId = keyof typeof FIGURES

export function figureOf(id: FigureId): Figure {
  return FIGURES[id]
}

/** The figure's words, with the size it was measured at. */
export function labelOf(id: FigureId, sizes: Sizes): string {
  const { label, size } = figureOf(id)
  return size === undefined ? label : label.replace('{n}', sizes[size].toLocaleString('en'))
}
