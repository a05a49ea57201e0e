/** What of Complement does not pass, and why. */

/** Names of tests by their reason. A name stands for the parts of its test too. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  'later: administration': ['TestServerNotices'],
  'later: application services, which may set the time of an event': [
    'TestJumpToDateEndpoint/parallel/should_find_next_event_topologically_before_given_timestamp_when_all_message_timestamps_are_the_same',
    'TestJumpToDateEndpoint/parallel/should_find_next_event_topologically_after_given_timestamp_when_all_message_timestamps_are_the_same',
    'TestJumpToDateEndpoint/parallel/federation/when_looking_backwards_before_the_room_was_created,_should_be_able_to_find_event_that_was_imported',
  ],
  'later: what servers tell each other beside events (EDUs)': [
    'TestACLsForEDUs',
    'TestDeviceListsUpdateOverFederation',
    'TestDeviceListsUpdateOverFederationOnRoomJoin',
    'TestUserAppearsInChangedDeviceListOnJoinOverFederation',
    'TestDeviceListUpdates/when_remote_user_joins_a_room',
    'TestDeviceListUpdates/when_joining_a_room_with_a_remote_user',
    'TestDeviceListUpdates/when_remote_user_leaves_a_room',
    'TestDeviceListUpdates/when_leaving_a_room_with_a_remote_user',
    'TestDeviceListUpdates/when_remote_user_rejoins_a_room',
    'TestRemotePresence',
    'TestRemoteTyping',
    'TestThreadReceiptsInSyncMSC4102',
    'TestToDeviceMessagesOverFederation',
  ],
  'later: keys of users of other servers': ['TestFederationKeyUploadQuery'],
  'later: profiles of users of other servers': [
    'TestOutboundFederationProfile',
    'TestInboundFederationProfile',
  ],
  'later: keys of other servers, told to third ones': ['TestUnknownEndpoints/Key_endpoints'],
  'later: media of other servers': [
    'TestContentMediaV1',
    'TestMediaFilenames/Parallel/Unicode/Can_download_with_Unicode_file_name_over_federation_via__matrix/client/v1/media/download',
    'TestMediaFilenames/Parallel/Unicode/Can_download_with_Unicode_file_name_over_federation',
    'TestMediaWithoutFileName/parallel/Can_download_without_a_file_name_over_federation',
    'TestMediaWithoutFileNameCSMediaV1/parallel/Can_download_without_a_file_name_over_federation',
    'TestRemotePngThumbnail',
    'TestFederationThumbnail',
  ],
  'later: spaces whose rooms are on other servers': [
    'TestRestrictedRoomsSpacesSummaryFederation',
    'TestFederatedClientSpaces',
  ],
  'asks for what is missing behind every event that waits, and for the state before such an event, where the test expects one request for another event':
    ['TestOutboundFederationIgnoresMissingEventWithBadJSONForRoomVersion6', 'TestCorruptedAuthChain'],
  'takes an event that waits as soon as what it lacks is there, where the test expects it once it is sent again':
    ['TestUnrejectRejectedEvents'],
  'has events in the order in which they came, so that the state change on the older branch is in the timeline':
    ['TestSyncOmitsStateChangeOnFilteredEvents'],
  "asks the server in the room's id too, where the test expects the join to fail": [
    'TestRestrictedRoomsRemoteJoinFailOver',
    'TestRestrictedRoomsRemoteJoinFailOverInMSC3787Room',
  ],
  'a first sync tells of rooms that the user has left only if asked, and never of those that were not here; the ban, or the end of the invite, may come before it':
    [
      'TestUnbanViaInvite',
      'TestFederationRoomsInvite/Parallel/Inviter_user_can_rescind_invite_over_federation',
    ],
  'believes every user of the server that sent an invite who takes it back: whether they may, only the room knows':
    ['TestFederationRoomsInvite/Parallel/Non-invitee_user_cannot_rescind_invite_over_federation'],
  'stripped state has the four keys of the specification; the proposal adds more': [
    'TestMSC4311FullCreateEventOnStrippedState',
  ],
  'room version 2: its events name themselves, and name others with their hashes': [
    'TestRoomCreate/Parallel/POST_/createRoom_creates_a_room_with_the_given_version',
  ],
}

/** Why a test does not pass; undefined where it should. */
export function knownReason(test: string): string | undefined {
  const found = Object.entries(KNOWN).find(([, names]) =>
    names.some((name) => test === name || test.startsWith(`${name}/`)),
  )
  return found?.[0]
}
