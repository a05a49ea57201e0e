/** What of Complement does not pass, and why: by the beginning of a test's name. */
export const KNOWN: readonly [test: RegExp, reason: string][] = [
  [/^TestServerNotices/, 'later: administration'],
  [
    /^(TestEventAuth|TestGetMissingEvents|TestCorruptedAuthChain|TestBannedUserCannotSendJoin)/,
    'later: federation',
  ],
  [/^TestCannotSend(NonJoin|NonLeave|NonKnock|Knock)/, 'later: federation'],
  [/^TestSendJoin|^TestNetworkPartition|^TestUnrejectRejected|^TestJoinFederated/, 'later: federation'],
  [/^Test(Inbound|Outbound)|Federation|OverFederation|over_federation/, 'later: federation'],
  [/^TestComplementCanCreateValidV12Rooms|^TestMSC4291.*AuthEventsOmits|^TestMSC4297/, 'later: federation'],
  [/^TestMSC4289PrivilegedRoomCreators\/admin_with_>PL100_sorts/, 'later: federation'],
  [/^TestUnknownEndpoints\/(Server-server|Key)_endpoints/, 'later: federation'],
  [/^TestSyncOmitsStateChangeOnFilteredEvents|^TestSyncTimelineGap/, 'later: federation'],
  [
    /^TestSync\/parallel\/sync_should_succeed_even_if_the_sync_token_points_to_a_redaction/,
    'later: federation',
  ],
  [
    /^Test(KnockRoomsInPublicRoomsDirectory|RestrictedRoomsSpacesSummaryLocal|RestrictedRoomsLocalJoin|RoomSummaryAllowedRoomIDs)$/,
    'room version 7 or 8',
  ],
  [/^TestMSC3757OwnedState$/, 'a room version of the proposal'],
  [/^TestRoomCreate\/Parallel\/POST_\/createRoom_creates_a_room_with_the_given_version/, 'room version 2'],
  [
    /^TestSearch\/parallel\/Can_(get_context|back-paginate)/,
    'a page after the last one, which nothing is on',
  ],
  [/^TestRoomForget\/Parallel\/Forgotten_room_messages/, 'asks without `dir`, which is required'],
  [
    /^TestRoomState\/Parallel\/GET_\/rooms\/:room_id\/joined_members_fetches_my_membership$/,
    'a name that is null, where the schema has text',
  ],
  [/^TestGetRoomMembersAtPoint/, 'takes the place before a timeline for the one after it'],
  [/^TestThreadedReceipts/, 'highlights by rules that version 1.17 removed'],
  [
    /^TestRoomSpecificUsername.*Bob_can_find_Alice_by_mxid/,
    'looks into the user directory before the archive has told it',
  ],
  [/^TestDelayedEvents\/.*rerequesting_delayed_event_path/, 'repeats a request without its body'],
  [/^TestRemovingAccountData/, 'MSC3391 is not there'],
  [/^Test(ThreadSubscriptions|MSC4308)/, 'MSC4306 is not there'],
]
