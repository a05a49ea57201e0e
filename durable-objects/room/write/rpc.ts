/** What is asked of a Room that writes events, now or later: each row is one mutation, or a part that runs several. */
import type { CreateRoomPlan, UpgradeRequest } from '../../../src/objects/room/create.ts'
import type {
  PreparedInvite,
  ReceiveAnswer,
  ReceivedEvent,
  ReceiveRequest,
  RemoteJoin,
} from '../../../src/objects/room/federation.ts'
import type {
  AdmitRequest,
  Admitted,
  EventTemplate,
  TemplateRequest,
} from '../../../src/objects/room/for-servers.ts'
import type {
  DelayedAction,
  DelayedRequest,
  MembershipRequest,
  SendRequest,
} from '../../../src/objects/room/send.ts'
import type { MomentRequest } from '../../../src/objects/room/timeline.ts'
import type { Pdu } from '../../../src/protocol/events/event.ts'
import type { Profile } from '../../../src/protocol/profile.ts'
import type { NewState } from '../../../src/protocol/rooms/room-upgrade.ts'
import { rpcTable } from '../../rpc-table.ts'
import type { RoomDesk } from '../desk.ts'
import { notInRoom } from '../outsiders.ts'
import { eventAtTime, requireLook } from '../read/at-time.ts'
import { completeBlocks } from '../rows/events/time-blocks.ts'
import { createRoom, replicate } from './create.ts'
import { markErased } from './erasure.ts'
import { forget } from './forget.ts'
import { dropAlias, setListed } from './listed.ts'
import { updateProfile } from './member-profile.ts'
import { changeMembership } from './membership.ts'
import { appendInvite, prepareInvite } from './outgoing-invite.ts'
import { joinRemote } from './receive/remote-join.ts'
import { admit } from './resident/admit.ts'
import { memberTemplate } from './resident/template.ts'
import { send } from './send.ts'

export const writeRpc = rpcTable<RoomDesk>()({
  create: {
    session: 'none',
    repeatable: true,
    large: true,
    run: async (
      { mutateAndFeed },
      createPdu: Pdu,
      roomVersion: string,
      plan: CreateRoomPlan,
    ): Promise<{ roomId: string }> => ({
      roomId: await mutateAndFeed((change) => createRoom(change, createPdu, roomVersion, plan)),
    }),
  },

  /** A send is idempotent by its transaction id, and a state event by its content. */
  send: {
    session: 'none',
    repeatable: ({ txnId, stateKey }: SendRequest) => txnId !== undefined || stateKey !== undefined,
    run: ({ mutateAndFeed }, request: SendRequest): Promise<string> =>
      mutateAndFeed((change) => send(change, request)),
  },

  /** The event id, or undefined where nothing had to change (already joined, already invited). */
  changeMembership: {
    session: 'none',
    repeatable: true,
    run: ({ mutateAndFeed }, request: MembershipRequest): Promise<string | undefined> =>
      mutateAndFeed((change) => changeMembership(change, request)),
  },

  /** An invite of a user of another server, for that server to sign. Undefined where the user is invited already. */
  prepareInvite: {
    session: 'none',
    repeatable: true,
    run: ({ room }, request: MembershipRequest): PreparedInvite | undefined => prepareInvite(room, request),
  },

  /** The same, signed. @throws MatrixError M_FORBIDDEN where the room no longer lets the inviter invite */
  appendInvite: {
    session: 'none',
    repeatable: true,
    run: ({ mutateAndFeed }, invite: ReceivedEvent): Promise<void> =>
      mutateAndFeed((change) => appendInvite(change, invite)),
  },

  /**
   * Shows a joined user's new profile in their member event, and tells who asks that these fields have changed. User
   * objects of the version before this one name none.
   */
  updateProfile: {
    session: 'none',
    repeatable: true,
    run: ({ mutateAndFeed }, userId: string, profile: Profile, fields: string[] | undefined): Promise<void> =>
      mutateAndFeed((change) => updateProfile(change, userId, profile, fields)),
  },

  /** From now on, users that join later are shown this user's events redacted. */
  markErased: {
    session: 'none',
    repeatable: true,
    run: ({ mutate }, userId: string): void => void mutate((change) => markErased(change, userId)),
  },

  /** Takes an alias out of the canonical alias event, where it stands there and the user may change that. */
  dropAlias: {
    session: 'none',
    repeatable: true,
    run: ({ mutateAndFeed }, userId: string, alias: string): Promise<void> =>
      mutateAndFeed((change) => dropAlias(change, userId, alias)),
  },

  /**
   * Lists the room in the public directory, or takes it out. Answers as `archived` does.
   * @throws MatrixError M_FORBIDDEN without the power to set the canonical alias
   */
  setListed: {
    session: 'none',
    repeatable: true,
    async run({ mutate, archived }, userId: string, listed: boolean): Promise<void> {
      mutate((change) => setListed(change, userId, listed))
      await archived()
    },
  },

  /** @throws MatrixError M_UNKNOWN (400) unless the user has left the room */
  forget: {
    session: 'none',
    repeatable: true,
    run: ({ mutateAndFeed }, userId: string): Promise<void> =>
      mutateAndFeed((change) => forget(change, userId)),
  },

  /** Asked before the new room is counted: one that is refused was never made. @throws MatrixError as `checkUpgrade` */
  mayUpgrade: {
    session: 'none',
    repeatable: true,
    run({ life }, sender: string, version: string): void {
      life.upgrades.check(sender, version)
    },
  },

  /** Makes the room that replaces this one, and answers its id. Asked again, it answers the same room. */
  upgrade: {
    session: 'none',
    repeatable: true,
    run: ({ life }, request: UpgradeRequest): Promise<string> => life.upgrades.run(request),
  },

  /** More state of the room that this one replaces, sent by its creator; what stands already is passed over. */
  replicate: {
    session: 'none',
    repeatable: true,
    run: ({ mutateAndFeed }, sender: string, states: NewState[]): Promise<void> =>
      mutateAndFeed((change) => replicate(change, sender, states)),
  },

  /** Answers the id of the delayed event: of the one there is already, for a transaction id used before. */
  schedule: {
    session: 'none',
    repeatable: true,
    run: ({ life }, request: DelayedRequest): Promise<string> => life.delayed.schedule(request),
  },

  /** @param userId the owner, where the asker is known. @throws MatrixError M_NOT_FOUND; 409 when it is over */
  delayedAction: {
    session: 'none',
    repeatable: true,
    run: ({ life }, delayId: string, action: DelayedAction, userId?: string): Promise<void> =>
      life.delayed.act(delayId, action, userId),
  },

  /**
   * A read by time needs its index complete. That writes, so this row is not among the reads; it writes only for a user
   * that may look.
   */
  eventAtTime: {
    session: 'none',
    repeatable: true,
    absent: notInRoom,
    run({ room, mutate }, request: MomentRequest): { event_id: string; origin_server_ts: number } {
      requireLook(room, request.viewer)
      mutate(({ store }) => completeBlocks(store))
      return eventAtTime(room, request)
    },
  },

  /** Events of another server, steps 4 to 7. Asked again with the same events, it changes nothing. */
  receive: {
    session: 'none',
    repeatable: true,
    large: true,
    run: ({ life }, request: ReceiveRequest): Promise<ReceiveAnswer> => life.received.take(request),
  },

  /** A member event for another server to sign. @throws MatrixError: see `memberTemplate` */
  memberTemplate: {
    session: 'none',
    repeatable: true,
    run: ({ room }, request: TemplateRequest): EventTemplate => memberTemplate(room, request),
  },

  /** The same event, signed: another server's user joins, leaves or knocks. @throws MatrixError: see `admit` */
  admit: {
    session: 'none',
    repeatable: true,
    run: ({ mutateAndFeed }, request: AdmitRequest): Promise<Admitted> =>
      mutateAndFeed((change) => admit(change, request)),
  },

  /** A room of other servers that a local user joins. @throws MatrixError M_BAD_STATE, M_FORBIDDEN: see `joinRemote` */
  joinRemote: {
    session: 'none',
    repeatable: true,
    large: true,
    run: ({ mutateAndFeed }, roomId: string, part: RemoteJoin): Promise<void> =>
      mutateAndFeed((change) => joinRemote(change, roomId, part)),
  },

  /** Makes the room again from the archive alone. Answers how many events it has. */
  rebuild: {
    session: 'none',
    repeatable: true,
    run: ({ life }, roomId: string): Promise<number> => life.rebuild.run(roomId),
  },
})
