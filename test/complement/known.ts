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
    /^TestRoomCreate\/Parallel\/POST_\/createRoom_creates_a_room_with_the_given_version/,
    'room version 2: its events name themselves, and name others with their hashes',
  ],
]
