/** The authorisation rules for m.room.member: what each membership needs of sender, target and room. */
import { AuthRejection } from '../errors.ts'
import { isUserId } from '../identifiers.ts'
import { stringField } from '../json-fields.ts'
import { isMembership, type Membership, membershipIn } from '../rooms/membership.ts'
import type { RoomVersionRules } from '../rooms/room-version.ts'
import { type AuthContext, rejectUnless } from './event-auth-context.ts'
import { checkThirdPartyInvite } from './event-auth-third-party-invite.ts'
import { creatorsOf } from './power-levels.ts'

/** A membership event's two users: its sender and its target. */
interface Parties {
  sender: string
  target: string
  /** Memberships before the event. */
  senderIs: Membership | undefined
  targetIs: Membership | undefined
}

interface JoinRule {
  /** The users that may join: anyone, the invited, or also those that a member's server vouches for. */
  join: 'anyone' | 'invited' | 'vouched'
  knock: boolean
  /** The flag of the room versions that know this rule. */
  flag?: keyof RoomVersionRules
}

const JOIN_RULES: ReadonlyMap<unknown, JoinRule> = new Map<unknown, JoinRule>([
  ['public', { join: 'anyone', knock: false }],
  ['invite', { join: 'invited', knock: false }],
  ['knock', { join: 'invited', knock: true, flag: 'knock' }],
  ['restricted', { join: 'vouched', knock: false, flag: 'restricted' }],
  ['knock_restricted', { join: 'vouched', knock: true, flag: 'knockRestricted' }],
])

const CHECKS: Record<Membership, (context: AuthContext, parties: Parties) => void> = {
  join: checkJoin,
  invite: checkInvite,
  leave: checkLeave,
  ban: checkBan,
  knock: checkKnock,
}

/** @throws AuthRejection with the sentence of the rule that refuses */
export function checkMember(context: AuthContext): void {
  const { rules, event, state } = context
  const { sender, state_key: target, content } = event
  // The rule asks for any state_key. The schema of m.room.member wants it to name a user, and so do other servers.
  rejectUnless(target !== undefined && isUserId(target), 'a membership needs a user as its state_key')
  rejectUnless(content.membership !== undefined, 'a membership event must state the membership')
  const authoriser = content.join_authorised_via_users_server
  rejectUnless(
    !rules.restricted || authoriser === undefined || (typeof authoriser === 'string' && isUserId(authoriser)),
    'join_authorised_via_users_server must name a user whose server signed the event',
  )
  rejectUnless(isMembership(content.membership), 'the membership is unknown')
  const senderIs = membershipIn(state, sender)
  const targetIs = sender === target ? senderIs : membershipIn(state, target)
  CHECKS[content.membership](context, { sender, target, senderIs, targetIs })
}

function checkJoin(context: AuthContext, { sender, target, senderIs }: Parties): void {
  if (isFirstJoin(context, target)) return
  rejectUnless(sender === target, 'nobody can join on behalf of another user')
  rejectUnless(senderIs !== 'ban', 'the user is banned')
  const admits = joinRuleOf(context)?.join
  rejectUnless(admits !== undefined, 'the join rule lets nobody join')
  if (admits === 'anyone' || senderIs === 'join' || senderIs === 'invite') return
  rejectUnless(admits === 'vouched', 'the user is not invited')
  checkVoucher(context)
}

/** The creator's join, straight after the create event. */
function isFirstJoin({ rules, event, create }: AuthContext, target: string): boolean {
  const [previous, ...others] = event.prev_events
  if (previous !== create.eventId || others.length > 0) return false
  // Additional creators have no such privilege: the rule speaks of the one user who made the room.
  return creatorsOf(rules, create)[0] === target
}

function checkVoucher({ event, state, levels }: AuthContext): void {
  const voucher = stringField(event.content.join_authorised_via_users_server)
  rejectUnless(voucher !== undefined, 'the user is not invited, and no member vouches for them')
  rejectUnless(
    membershipIn(state, voucher) === 'join',
    'the user who vouches for the join is not in the room',
  )
  rejectUnless(levels.user(voucher) >= levels.invite, 'the user who vouches for the join may not invite')
}

function checkInvite(context: AuthContext, parties: Parties): void {
  const redeems = context.event.content.third_party_invite !== undefined
  if (redeems) checkThirdPartyInvite(context, parties.targetIs)
  else checkOrdinaryInvite(context, parties)
}

function checkOrdinaryInvite({ levels }: AuthContext, { sender, senderIs, targetIs }: Parties): void {
  rejectUnless(senderIs === 'join', 'the sender is not in the room')
  rejectUnless(targetIs !== 'join', 'the user is in the room already')
  rejectUnless(targetIs !== 'ban', 'the user is banned')
  rejectUnless(levels.user(sender) >= levels.invite, "the sender's power level is below the invite level")
}

function checkLeave(context: AuthContext, parties: Parties): void {
  if (parties.sender === parties.target) checkOwnLeave(parties)
  else checkKick(context, parties)
}

function checkOwnLeave({ senderIs }: Parties): void {
  const canLeave = senderIs === 'invite' || senderIs === 'join' || senderIs === 'knock'
  rejectUnless(canLeave, 'the user is not in the room, nor invited or knocking')
}

/** Kicks, taken back invites, and unbans. */
function checkKick({ levels }: AuthContext, { sender, target, senderIs, targetIs }: Parties): void {
  rejectUnless(senderIs === 'join', 'the sender is not in the room')
  const own = levels.user(sender)
  rejectUnless(targetIs !== 'ban' || own >= levels.ban, "the sender's power level is below the ban level")
  rejectUnless(own >= levels.kick, "the sender's power level is below the kick level")
  rejectUnless(levels.user(target) < own, "the user's power level is not below the sender's")
}

function checkBan({ levels }: AuthContext, { sender, target, senderIs }: Parties): void {
  rejectUnless(senderIs === 'join', 'the sender is not in the room')
  const own = levels.user(sender)
  rejectUnless(own >= levels.ban, "the sender's power level is below the ban level")
  rejectUnless(levels.user(target) < own, "the user's power level is not below the sender's")
}

function checkKnock(context: AuthContext, { sender, target, senderIs }: Parties): void {
  rejectUnless(joinRuleOf(context)?.knock === true, 'the join rule does not allow knocking')
  rejectUnless(sender === target, 'nobody can knock on behalf of another user')
  if (senderIs === undefined || senderIs === 'leave' || senderIs === 'knock') return
  throw new AuthRejection('the user is banned, invited or in the room already')
}

/** The join rule in force, or undefined for one that this room version does not know. No event means `invite`. */
function joinRuleOf({ rules, state }: AuthContext): JoinRule | undefined {
  const content = state.get('m.room.join_rules', '')?.pdu.content
  const joinRule = JOIN_RULES.get(content === undefined ? 'invite' : content.join_rule)
  return joinRule?.flag === undefined || rules[joinRule.flag] === true ? joinRule : undefined
}
