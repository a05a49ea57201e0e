/** What of Complement does not pass, and why. */

/** Names of tests by their reason. A name stands for the parts of its test too. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  'later: administration': ['TestServerNotices'],
  'later: application services, which may set the time of an event': [
    'TestJumpToDateEndpoint/parallel/should_find_next_event_topologically_before_given_timestamp_when_all_message_timestamps_are_the_same',
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
  'goes on asking for what is missing, and then for the state before the event that waits, where the test allows one request, and asks for the state before another event':
    ['TestOutboundFederationIgnoresMissingEventWithBadJSONForRoomVersion6', 'TestCorruptedAuthChain'],
  'takes an event that waits in the same moment as the one that it lacks, where the test wants it later, when it is sent again':
    ['TestUnrejectRejectedEvents'],
  '"events are ordered in this API according to the arrival time": the state change on the older branch came last, so it is in the timeline, where the test looks into the state':
    ['TestSyncOmitsStateChangeOnFilteredEvents'],
  'M_UNABLE_TO_GRANT_JOIN says that "a different server should be attempted": the one that the room id names is, as by Dendrite and tuwunel, and lets the user in':
    ['TestRestrictedRoomsRemoteJoinFailOver', 'TestRestrictedRoomsRemoteJoinFailOverInMSC3787Room'],
  'the proposal, as it was accepted, adds nothing to the four keys of the stripped state that clients see; the test is of a draft':
    ['TestMSC4311FullCreateEventOnStrippedState'],
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
