/**
 * What the specification lets guests and suspended users do, held against the row of every route: a new route that lets
 * either in fails here until it is named. That each route does what its row says is asked in permits.test.ts.
 */
import { describe, expect, it } from 'vitest'
import { permitOf } from '../../../workers/middleware/endpoint-row.ts'
import { pathOfToday, template } from '../../contract/routes.ts'
import { ROUTES } from '../../support/routes.ts'

/** One name for a path in all versions of the API. */
const VERSIONS = /^\/_matrix\/(?:client|(media))\/(?:unstable(?:\/(?:org|io|uk|im)\.[^/]+)?|r0|v\d)(?=\/)/

const nameOf = (path: string) =>
  template(pathOfToday(path)).replace(VERSIONS, (_, media) => (media ? '/media' : ''))

const ofUsers = ROUTES.flatMap(({ method, path, rows: [row] }) =>
  row !== undefined && 'guests' in row ? [{ name: `${method} ${nameOf(path)}`, method, row }] : [],
)

const words = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')

const sorted = (names: Iterable<string>) => [...new Set(names)].sort()

describe('guests', () => {
  /** Client-Server API §Guest access, "Client behaviour". */
  const NAMED = words(`
    GET /events
    GET /rooms/{roomId}/context/{eventId}
    GET /rooms/{roomId}/event/{eventId}
    GET /rooms/{roomId}/initialSync
    GET /rooms/{roomId}/members
    GET /rooms/{roomId}/messages
    GET /rooms/{roomId}/state
    GET /rooms/{roomId}/state/{eventType}
    GET /rooms/{roomId}/state/{eventType}/
    GET /rooms/{roomId}/state/{eventType}/{stateKey}
    GET /sync
    POST /rooms/{roomId}/join
    POST /rooms/{roomId}/leave
    PUT /rooms/{roomId}/send/{eventType}/{txnId}
    PUT /rooms/{roomId}/state/{eventType}
    PUT /rooms/{roomId}/state/{eventType}/
    PUT /rooms/{roomId}/state/{eventType}/{stateKey}
    PUT /sendToDevice/{eventType}/{txnId}
    PUT /profile/{userId}/{key}
    DELETE /profile/{userId}/{key}
    GET /devices
    GET /devices/{deviceId}
    PUT /devices/{deviceId}
    POST /keys/claim
    POST /keys/query
    POST /keys/upload
    GET /account/whoami
    GET /media/download/{serverName}/{mediaId}
    GET /media/download/{serverName}/{mediaId}/{fileName}
    GET /media/thumbnail/{serverName}/{mediaId}
  `)

  /** What a client asks on its way to those: none tells anybody anything. */
  const NEEDED = words(`
    GET /capabilities
    GET /joined_rooms
    GET /keys/changes
    GET /room_summary/{room}
    GET /rooms/{room}/summary
    GET /summary/{room}
    GET /rooms/{roomId}/hierarchy
    GET /rooms/{roomId}/relations/{eventId}
    GET /rooms/{roomId}/relations/{eventId}/{relType}
    GET /rooms/{roomId}/relations/{eventId}/{relType}/{eventType}
    GET /thirdparty/location
    GET /thirdparty/location/{protocol}
    GET /thirdparty/protocol/{protocol}
    GET /thirdparty/protocols
    GET /thirdparty/user
    GET /thirdparty/user/{protocol}
    GET /user/{userId}/filter/{filterId}
    POST /join/{room}
    POST /logout
    POST /logout/all
    POST /publicRooms
    POST /sync
    POST /user/{userId}/filter
  `)

  it('may use what is named here, and nothing else', () => {
    const may = ofUsers.filter(({ row }) => row.guests).map(({ name }) => name)
    expect(sorted(may)).toEqual(sorted([...NAMED, ...NEEDED]))
  })

  it('may use a path in all its versions, or in none', () => {
    const byName = Map.groupBy(ofUsers, ({ name }) => name)
    const torn = [...byName].filter(([, routes]) => new Set(routes.map(({ row }) => row.guests)).size > 1)
    expect(torn.map(([name]) => name)).toEqual([])
  })
})

describe('suspended users', () => {
  /** Client-Server API §Account suspension: what leaves, tidies up, or is for nobody else to see. */
  const ALLOWED = words(`
    DELETE /dehydrated_device
    DELETE /devices/{deviceId}
    DELETE /pushrules/*
    DELETE /pushrules/global/{kind}/{ruleId}
    DELETE /pushrules/global/{kind}/{ruleId}/
    DELETE /room_keys/keys
    DELETE /room_keys/keys/{roomId}
    DELETE /room_keys/keys/{roomId}/{sessionId}
    DELETE /room_keys/version/{version}
    DELETE /rooms/{roomId}/thread/{rootId}/subscription
    DELETE /user/{userId}/account_data/{type}
    DELETE /user/{userId}/rooms/{roomId}/account_data/{type}
    DELETE /user/{userId}/rooms/{roomId}/tags/{tag}
    POST /account/3pid
    POST /account/3pid/add
    POST /account/3pid/bind
    POST /account/3pid/delete
    POST /account/3pid/unbind
    POST /account/deactivate
    POST /account/password
    POST /dehydrated_device/{deviceId}/events
    POST /delayed_events/{delayId}
    POST /delayed_events/{delayId}/{action}
    POST /delete_devices
    POST /keys/claim
    POST /keys/device_signing/upload
    POST /keys/query
    POST /keys/signatures/upload
    POST /keys/upload
    POST /logout
    POST /logout/all
    POST /publicRooms
    POST /pushers/set
    POST /room_keys/version
    POST /rooms/{roomId}/forget
    POST /rooms/{roomId}/leave
    POST /rooms/{roomId}/read_markers
    POST /rooms/{roomId}/receipt/{receiptType}/{eventId}
    POST /rooms/{roomId}/report
    POST /rooms/{roomId}/report/{eventId}
    POST /search
    POST /sync
    POST /user/{userId}/filter
    POST /user_directory/search
    POST /users/{userId}/report
    PUT /dehydrated_device
    PUT /devices/{deviceId}
    PUT /pushrules/*
    PUT /pushrules/global/{kind}/{ruleId}
    PUT /pushrules/global/{kind}/{ruleId}/
    PUT /pushrules/global/{kind}/{ruleId}/actions
    PUT /pushrules/global/{kind}/{ruleId}/actions/
    PUT /pushrules/global/{kind}/{ruleId}/enabled
    PUT /pushrules/global/{kind}/{ruleId}/enabled/
    PUT /room_keys/keys
    PUT /room_keys/keys/{roomId}
    PUT /room_keys/keys/{roomId}/{sessionId}
    PUT /room_keys/version/{version}
    PUT /rooms/{roomId}/thread/{rootId}/subscription
    PUT /user/{userId}/account_data/{type}
    PUT /user/{userId}/rooms/{roomId}/account_data/{type}
    PUT /user/{userId}/rooms/{roomId}/tags/{tag}
  `)

  /** Leaving, redacting one's own events, and messages to one's own devices. */
  const OF_THEIR_OWN = words(`
    POST /rooms/{roomId}/redact/{eventId}
    POST /rooms/{roomId}/send/{eventType}
    PUT /rooms/{roomId}/redact/{eventId}/{txnId}
    PUT /rooms/{roomId}/send/{eventType}/{txnId}
    PUT /rooms/{roomId}/state/{eventType}
    PUT /rooms/{roomId}/state/{eventType}/
    PUT /rooms/{roomId}/state/{eventType}/{stateKey}
    PUT /sendToDevice/{eventType}/{txnId}
  `)

  const writes = ofUsers.filter(({ method }) => method !== 'GET')

  it.each([
    [true, ALLOWED],
    ['own', OF_THEIR_OWN],
  ] as const)('may write what is named here, and nothing else: %s', (permit, names) => {
    const may = writes.filter(({ row }) => permitOf(row).suspended === permit).map(({ name }) => name)
    expect(sorted(may)).toEqual(sorted(names))
  })

  it('may read whatever anybody may, but for the tools of administrators', () => {
    const hidden = ofUsers.filter(({ method, row }) => method === 'GET' && row.suspended !== true)
    expect(hidden.map(({ name }) => name)).toEqual(['GET /_synapse/admin/v1/whois/{userId}'])
  })
})
