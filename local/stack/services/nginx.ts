/** nginx before the server: it ends TLS, names the clients, and passes on polls, streams and uploads. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { request } from 'node:https'
import { join } from 'node:path'
import { certificateOf, type Files, makeCertificate } from '../certificate.ts'
import { inPath, runProgram } from '../programs.ts'
import { LOOPBACK, portOf, type Service, type Stack } from '../service.ts'
import { identityOf, ownFile, ownFolder, requireWalkable } from '../users.ts'

const rootOf = ({ folder }: Stack) => join(folder, 'nginx')

/** The name by which clients know the server: they reach it by that, or on this machine. */
export function hostOf({ state }: Stack): string {
  const at = state.options.indexOf('--server-name')
  const given =
    at >= 0 ? state.options[at + 1] : state.options.find((word) => word.startsWith('--server-name='))
  return (given ?? 'localhost').replace(/^--server-name=/, '').replace(/:\d+$/, '')
}

export const nginxUrl = (stack: Stack): string => `https://${hostOf(stack)}:${portOf(stack, 'nginx')}`

export interface Site {
  /** Where it listens, as nginx writes it. */
  listen: string
  serverName: string
  /** Where Selvedge listens. */
  upstream: string
  tls: Files
}

/**
 * The blocks of a site. Connections are kept for less time than the runtime keeps them; a poll lasts a minute; a stream
 * is a WebSocket.
 */
export const siteOf = ({ listen, serverName, upstream, tls }: Site): string => `\
map $http_upgrade $selvedge_connection {
  default upgrade;
  '' '';
}
upstream selvedge {
  server ${upstream};
  keepalive 32;
  keepalive_timeout 3s;
}
server {
  listen ${listen} ssl;
  server_name ${serverName};
  ssl_certificate ${tls.cert};
  ssl_certificate_key ${tls.key};
  ssl_protocols TLSv1.2 TLSv1.3;
  client_max_body_size 50m;
  # How much is going on is nobody else's business.
  location = /metrics {
    return 404;
  }
  location / {
    proxy_pass http://selvedge;
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $selvedge_connection;
    proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_read_timeout 90s;
  }
}
`

/** A whole nginx of the stack's own: it touches nothing of Debian's. */
function configOf(stack: Stack, user: string | undefined): string {
  const root = rootOf(stack)
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const site = siteOf({
    listen: `${LOOPBACK}:${portOf(stack, 'nginx')}`,
    serverName: '_',
    upstream: `${LOOPBACK}:${portOf(stack, 'selvedge')}`,
    tls: certificateOf(stack),
  })
  return `\
${user === undefined ? '' : `user ${user};\n`}daemon off;
worker_processes 1;
pid ${join(root, 'nginx.pid')};
error_log stderr notice;
events {
  worker_connections 1024;
}
http {
  access_log off;
  server_tokens off;
${kinds.map((kind) => `  ${kind}_temp_path ${join(root, `${kind}_temp`)};\n`).join('')}
${site.replaceAll(/^(?=.)/gm, '  ')}}
`
}

const configFile = (stack: Stack) => join(rootOf(stack), 'nginx.conf')

/** Errors from before it has read where they go. */
const ERRORS = ['-e', 'stderr']

export const nginx: Service = {
  name: 'nginx',
  requires: [
    { name: 'nginx', find: () => inPath('nginx'), debian: 'nginx' },
    { name: 'openssl', find: () => inPath('openssl'), debian: 'openssl' },
  ],
  ports: ['nginx'],
  // The first process stays root's, and reads the key; those that serve are this user's.
  user: 'www-data',
  dropsRights: true,
  stopSignal: 'SIGQUIT',
  retries: 5,
  async prepare(stack, { nginx: program, openssl }) {
    const workers = identityOf(this)
    requireWalkable(stack, workers)
    ownFolder(rootOf(stack), workers)
    await makeCertificate(stack, openssl!, hostOf(stack))
    ownFile(configFile(stack), configOf(stack, workers?.name), undefined)
    await runProgram(program!, [...ERRORS, '-t', '-p', rootOf(stack), '-c', configFile(stack)])
  },
  command: (stack, programs) => ({
    program: programs.nginx!,
    args: [...ERRORS, '-p', rootOf(stack), '-c', configFile(stack)],
  }),
  async check(stack) {
    const { ca } = certificateOf(stack)
    const trusted = ca !== undefined && existsSync(ca) ? await readFile(ca, 'utf8') : undefined
    const status = await statusOf(stack, trusted)
    if (status !== 200) throw new Error(`it answers ${status}`)
  },
  address: nginxUrl,
}

/** Asked at loopback by the name of the certificate. A certificate of the operator's may be of an authority unknown here. */
function statusOf(stack: Stack, ca: string | undefined): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: LOOPBACK,
        port: portOf(stack, 'nginx'),
        path: '/_matrix/client/versions',
        servername: hostOf(stack),
        agent: false,
        timeout: 5_000,
        ...(ca === undefined ? { rejectUnauthorized: false } : { ca }),
      },
      (answer) => {
        answer.resume()
        resolve(answer.statusCode)
      },
    )
    asked.once('timeout', () => asked.destroy(new Error('it does not answer')))
    asked.once('error', reject)
    asked.end()
  })
}
