/** The endpoints that this server does not have yet, by what they wait for: the run fails when this list is wrong. */

const v1 = '/_matrix/client/v1'
const v3 = '/_matrix/client/v3'

export const LATER: Record<string, string[]> = {
  'sign-in pages and OAuth': [
    `GET ${v1}/auth_metadata`,
    `POST ${v1}/login/get_token`,
    `GET ${v3}/login/sso/redirect`,
    `GET ${v3}/login/sso/redirect/{idpId}`,
  ],
  'third-party identifiers': [
    `POST ${v3}/account/3pid`,
    `POST ${v3}/account/3pid/add`,
    `POST ${v3}/account/3pid/bind`,
    ...['account/3pid', 'account/password', 'register'].flatMap((path) =>
      ['email', 'msisdn'].map((medium) => `POST ${v3}/${path}/${medium}/requestToken`),
    ),
  ],
  'application services': [
    `POST ${v1}/appservice/{appserviceId}/ping`,
    `PUT ${v3}/directory/list/appservice/{networkId}/{roomId}`,
    `GET ${v3}/thirdparty/location/{protocol}`,
    `GET ${v3}/thirdparty/protocol/{protocol}`,
    `GET ${v3}/thirdparty/user/{protocol}`,
  ],
  administration: ['GET /.well-known/matrix/support'],
  federation: ['GET /.well-known/matrix/policy_server'],
}

/** What an endpoint waits for; nothing for those that are served. */
export function waitsFor(operationId: string): string | undefined {
  return Object.keys(LATER).find((reason) => LATER[reason]?.includes(operationId))
}
