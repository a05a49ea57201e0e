/** What breaks a rule of the house as yet, by name and with the reason. A test fails when an exception is no longer needed. */

const oneSubject = 'tests of one subject, in the order in which they are read'

/** Files of tests that sleep, or ask how long something took. All others wait for what they mean. */
export const TIMED_FILES: Record<string, string> = {
  'test/durable-objects/sync-interleavings.test.ts': 'pauses of random length are steps of an interleaving',
  'test/earlier-version/make.ts': 'the server of an earlier commit has nothing to wait by',
  'test/fuzz/endpoints.fuzz.ts': 'an answer that takes seconds is what it looks for',
  'test/mutants/run.ts': 'ends the tests of a mistake that hangs',
  'test/support/eventually.ts': 'pauses between two looks, for all that wait',
  'test/workers/middleware/slow-bodies.test.ts': 'a client that is slow is its subject',
}

/** Files longer than the rest: no file of the product is. */
export const LONG_FILES: Record<string, string> = {
  'test/durable-objects/user/sync.test.ts': oneSubject,
  'test/src/protocol/auth/event-auth-member.test.ts': oneSubject,
  'test/src/protocol/push/push-evaluator.test.ts': oneSubject,
  'test/workers/client/accounts/account.test.ts': oneSubject,
  'test/workers/client/events/delayed-events.test.ts': oneSubject,
  'test/workers/client/events/relations.test.ts': oneSubject,
  'test/workers/client/keys/device-lists.test.ts': oneSubject,
  'test/workers/client/keys/keys.test.ts': oneSubject,
  'test/workers/client/keys/to-device.test.ts': oneSubject,
  'test/workers/client/push/pushing.test.ts': oneSubject,
  'test/workers/client/rooms/membership.test.ts': oneSubject,
  'test/workers/client/rooms/room-life.test.ts': oneSubject,
  'test/workers/client/search/search.test.ts': oneSubject,
  'test/workers/client/sync/counts-agree.test.ts': oneSubject,
  'test/workers/client/sync/sync-members.test.ts': oneSubject,
  'test/workers/client/sync/unread.test.ts': oneSubject,
  'test/workers/media/media.test.ts': oneSubject,
  'test/workers/media/preview.test.ts': oneSubject,
}
