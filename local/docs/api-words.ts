/** What the API pages say of each endpoint beside its schemas: what it does, and what it answers. */

export interface Words {
  does: string
  /** The body of a good answer, as JSON or in words. */
  answers: string
}

export interface ApiPage {
  /** In the site. */
  file: string
  title: string
  about: string
  /** Whether a route is on this page. */
  has(path: string): boolean
}

const TOKENS =
  'A request carries `Authorization: Bearer …`: the access token of an administrator (`npm run admin:create`), or the token that the commands of this project sign with the server’s own keys, which is good for five minutes.'

export const STREAM_PATH = '/_matrix/client/unstable/dev.selvedge.stream'

export const API_PAGES: ApiPage[] = [
  {
    file: 'api/admin.html',
    title: 'Admin API',
    about: `What operators do with a running server: the commands \`npm run account\`, \`reports\`, \`media:move\` and \`rebuild:…\` use nothing else. ${TOKENS} Endpoints for registration tokens have the paths that Synapse’s tools know.`,
    has: (path) => path.startsWith('/_selvedge/admin/') || path.startsWith('/_synapse/admin/'),
  },
  {
    file: 'api/stream.html',
    title: 'Stream API',
    about:
      'The request that opens a stream. Its messages are on the page of [the stream](site:stream.html). A browser gives the token as a second subprotocol, or by the first message.',
    has: (path) => path === STREAM_PATH,
  },
  {
    file: 'api/status.html',
    title: 'Status and pages',
    about: 'What a server says of itself, without a token: for watchdogs, monitoring and people.',
    has: (path) =>
      path === '/health' ||
      path === '/metrics' ||
      path === '/' ||
      path.startsWith('/.well-known/') ||
      (path.startsWith('/_selvedge/') && !path.startsWith('/_selvedge/admin/')),
  },
]

/** Between the parts of one server, or in tests alone: these are no API. */
export const OWN = /^\/_selvedge\/(local|test)\//

const token = '{"token":"abcd","uses_allowed":5,"pending":0,"completed":1,"expiry_time":null}'
const user = '{"user_id":"@alice:example.org"}'

/** What a member of a consumer group has. */
const MEMBER =
  '{"member_id":"…","generation":1,"settled":true,"lease_ms":30000,"assigned":[{"topic":"events","partition":0,"epoch":1}]}'

export const API_WORDS: Record<string, Words> = {
  'POST /_selvedge/admin/stream/tokens': {
    does: 'Makes a token of the event stream. It is told once.',
    answers: '{"id":"…","name":"","topics":["events"],"created_ts":1764374400000,"token":"…"}',
  },
  'GET /_selvedge/admin/stream/tokens': {
    does: 'Lists the tokens of the event stream, newest first, without what they are.',
    answers: '{"tokens":[{"id":"…","name":"","topics":["events"],"created_ts":1764374400000}]}',
  },
  'DELETE /_selvedge/admin/stream/tokens/:id': {
    does: 'Revokes a token of the event stream.',
    answers: '{}',
  },
  'DELETE /_selvedge/admin/stream/groups/:group': {
    does: 'Forgets a consumer group and what it has committed. Its members must have left.',
    answers: '{}',
  },
  'POST /_selvedge/stream/groups/:group/members': {
    does: 'Joins a consumer group.',
    answers: MEMBER,
  },
  'PUT /_selvedge/stream/groups/:group/members/:member': {
    does: 'Joins a consumer group under a name of one’s own.',
    answers: MEMBER,
  },
  'POST /_selvedge/stream/groups/:group/members/:member/heartbeat': {
    does: 'A sign of life of a member, with the generation that it works by.',
    answers: MEMBER,
  },
  'DELETE /_selvedge/stream/groups/:group/members/:member': { does: 'Leaves a group.', answers: '{}' },
  'POST /_selvedge/stream/groups/:group/commit': {
    does: 'Says that a group has done everything before these offsets.',
    answers: '{}',
  },
  'GET /_selvedge/stream': {
    does: 'What stands in each topic and partition of the event stream, and how far the groups are.',
    answers: '{"retention_ms":604800000,"retention_bytes":268435456,"sockets":0,"topics":[…],"groups":[…]}',
  },
  'GET /_selvedge/stream/page': { does: 'The same for people.', answers: 'HTML' },
  'GET /_selvedge/stream/topics/:topic/:partition': {
    does: 'Reads records of the event stream, and waits where there are none.',
    answers:
      '{"topic":"events","partition":3,"offset":41,"next_offset":42,"first_offset":0,"end_offset":42,"records":[{"offset":41}]}',
  },
  'GET /_selvedge/stream/topics/:topic/:partition/socket': {
    does: 'The same by an upgrade to a WebSocket.',
    answers: '101, then {"type":"hello","topic":"events","offset":41}',
  },
  'GET /_selvedge/admin/accounts': {
    does: 'Lists accounts by their names, a page at a time.',
    answers:
      '{"accounts":[{"user_id":"@alice:example.org","admin":false,"guest":false,"deactivated":false,"created_ts":1764374400000}],"next":"alice"}',
  },
  'GET /_selvedge/admin/accounts/:userId': {
    does: 'Shows an account with its devices, and whether it is locked or suspended.',
    answers:
      '{"user_id":"@alice:example.org","admin":false,"guest":false,"deactivated":false,"created_ts":1764374400000,"locked":false,"suspended":false,"devices":[]}',
  },
  'PUT /_selvedge/admin/accounts/:userId/password': {
    does: 'Sets a new password. Sessions stay, so that no keys are lost.',
    answers: user,
  },
  'PUT /_selvedge/admin/accounts/:userId/admin': {
    does: 'Makes an account an administrator, or one no more.',
    answers: user,
  },
  'POST /_selvedge/admin/accounts/:userId/deactivate': {
    does: 'Closes an account for good; with `erase` it also hides what the user said, as the setting of erasures has it.',
    answers: user,
  },
  'POST /_selvedge/admin/accounts/:userId/logout': {
    does: 'Ends all sessions of a user, or that of one device.',
    answers: '{"user_id":"@alice:example.org","ended":2}',
  },
  'GET /_selvedge/admin/reports': {
    does: 'Lists what users have reported, newest first.',
    answers:
      '{"reports":[{"id":7,"received_ts":1764374400000,"reporter":"@bob:example.org","room_id":"!abc:example.org","event_id":"$def","reason":"spam"}],"next":7}',
  },
  'GET /_selvedge/admin/reports/:id': {
    does: 'Shows one report, with the event that it is about.',
    answers: '{"id":7,"received_ts":1764374400000,"reporter":"@bob:example.org","reason":"spam","event":{}}',
  },
  'POST /_selvedge/admin/media/move': {
    does: 'Copies media from the other stores to one of them, one step a request: twenty objects, 64 MiB or ten seconds. `next` goes into `after` of the request after it. With `delete_source` what is the same in both is removed where it was.',
    answers: '{"copied":20,"bytes":1048576,"there":0,"deleted":0,"failed":[],"next":"r2:media/abc"}',
  },
  'DELETE /_selvedge/admin/media/:mediaId': {
    does: 'Takes an upload of any user away, with its thumbnails, from every store that is set up.',
    answers: '{"media_id":"abc","owner":"@alice:example.org"}',
  },
  'POST /_selvedge/admin/fan-out/:userId': {
    does: 'Says whether the server reaches a user’s object by way of a Worker of its own, as a busy room does.',
    answers: '{"reached":true}',
  },
  'GET /_selvedge/admin/rebuild': {
    does: 'Says how much there is to do for an operator that has lost all objects.',
    answers: '{"users":1000,"rooms":200}',
  },
  'GET /_selvedge/admin/rebuild/rooms': {
    does: 'Lists the rooms that the archive knows, a page at a time.',
    answers: '{"rooms":["!abc:example.org"],"next":"!abc:example.org"}',
  },
  'POST /_selvedge/admin/rebuild/room/:roomId': {
    does: 'Makes a room’s object again from the archive in Postgres.',
    answers: '{"events":1234}',
  },
  'POST /_selvedge/admin/rebuild/user/:userId': {
    does: 'Makes a user’s object again from the archive in Postgres.',
    answers: '{"records":321}',
  },
  'POST /_selvedge/admin/rebuild/media': {
    does: 'Enters uploads into the index that it lacks, a page at a time. `next` goes into `after` of the request after it.',
    answers: '{"added":12,"next":"media/abc"}',
  },
  'GET /_synapse/admin/v1/register': {
    does: 'Gives a nonce, for the request after it, where the operator has `--registration-shared-secret`.',
    answers: '{"nonce":"…"}',
  },
  'POST /_synapse/admin/v1/register': {
    does: 'Makes an account for the holder of the shared secret: `mac` is the HMAC-SHA1, by that secret, of nonce, name, password and `admin` or `notadmin`, with a zero byte between each.',
    answers:
      '{"user_id":"@alice:example.org","access_token":"…","device_id":"ABC","home_server":"example.org"}',
  },
  'GET /_synapse/admin/v1/registration_tokens': {
    does: 'Lists the tokens by which people may make accounts; `valid` tells those that still count, or the others.',
    answers: `{"registration_tokens":[${token}]}`,
  },
  'POST /_synapse/admin/v1/registration_tokens/new': {
    does: 'Makes a token for registration.',
    answers: token,
  },
  'GET /_synapse/admin/v1/registration_tokens/:token': {
    does: 'Shows a token for registration.',
    answers: token,
  },
  'DELETE /_synapse/admin/v1/registration_tokens/:token': {
    does: 'Takes a token for registration back.',
    answers: '{}',
  },
  'GET /_synapse/admin/v1/whois/:userId': {
    does: 'Lists a user’s devices and where they were last seen, as the specification’s own endpoint does.',
    answers: '{"user_id":"@alice:example.org","devices":{}}',
  },
  'GET /.well-known/matrix/client': {
    does: 'Tells clients where the server is.',
    answers: '{"m.homeserver":{"base_url":"https://matrix.example.org"}}',
  },
  'GET /.well-known/matrix/server': {
    does: 'Tells other servers where the server is.',
    answers: '{"m.server":"matrix.example.org:443"}',
  },
  'GET /_selvedge/demo': {
    does: 'A page that shows what the stream does, where the operator has `--demo on`.',
    answers: 'HTML',
  },
  [`GET ${STREAM_PATH}`]: {
    does: 'Opens a stream, by an upgrade to a WebSocket with the subprotocol `dev.selvedge.stream`.',
    answers: '101, then {"type":"hello","user_id":"@alice:example.org","device_id":"ABC","position":"…"}',
  },
  'GET /health': {
    does: 'Says that the server runs, and its version. With `?deep` it asks Postgres, Redis and the store of media too, a second at most, and answers 503 where one is down.',
    answers: '{"status":"ok","version":"0.1.0","parts":{"postgres":"ok","redis":"ok","r2":"ok"}}',
  },
  'GET /_selvedge/status': {
    does: 'The status page: what the server does now, with charts. With `fresh` only what changes.',
    answers: 'HTML',
  },
  'GET /_selvedge/status/redis': { does: 'The status page of Redis.', answers: 'HTML' },
  'GET /_selvedge/status/postgres': { does: 'The status page of Postgres.', answers: 'HTML' },
  'GET /_selvedge/status/media': { does: 'The status page of media.', answers: 'HTML' },
  'POST /_selvedge/status/services': {
    does: 'Measures the services: a thousand operations of Redis and a hundred updates of presence are made, and how long they took is answered.',
    answers: 'JSON, the times in ms',
  },
  'GET /metrics': {
    does: 'The numbers of the server for Prometheus.',
    answers: 'Text of Prometheus’ format',
  },
  'GET /': { does: 'A page for people that come by the address.', answers: 'HTML' },
}
