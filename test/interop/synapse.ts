/** A Synapse with a name of its own, TLS, and SQLite, lifted of its limits. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runToEnd, startChild } from '../../bench/child.ts'
import { LOGGING, NO_LIMIT } from '../../bench/synapse.ts'
import type { Certificate } from '../support/deployment/certificates.ts'
import { synapsePython } from '../support/federation/synapse-python.ts'

export interface Synapse {
  /** Where its clients reach it. */
  readonly url: string
  /** The port of federation. */
  readonly port: number
  readonly pid: number
  stop(): Promise<void>
}

const START_LIMIT_MS = 60_000

/** @param serverName what it calls itself: others reach it there */
export async function startSynapse(
  serverName: string,
  certificate: Certificate,
  ports: { clients: number; federation: number },
): Promise<Synapse> {
  const python = synapsePython()
  const folder = mkdtempSync(join(tmpdir(), 'selvedge-synapse-'))
  mkdirSync(join(folder, 'media'))
  const config = join(folder, 'homeserver.yaml')
  // YAML reads JSON.
  writeFileSync(join(folder, 'log.yaml'), JSON.stringify(LOGGING))
  writeFileSync(config, JSON.stringify(configOf(folder, serverName, certificate, ports)))
  const args = ['-m', 'synapse.app.homeserver', '--config-path', config]
  await runToEnd(python, [...args, '--generate-keys'], { cwd: folder })
  const child = await startChild({
    command: python,
    args,
    cwd: folder,
    ready: new RegExp(`Synapse now listening on TCP port ${ports.federation}`),
    timeoutMs: START_LIMIT_MS,
  })
  return {
    url: `http://127.0.0.1:${ports.clients}`,
    port: ports.federation,
    pid: child.pid,
    async stop() {
      await child.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function configOf(
  folder: string,
  serverName: string,
  { key, cert }: Certificate,
  ports: { clients: number; federation: number },
): object {
  const listener = { bind_addresses: ['127.0.0.1'], type: 'http' }
  return {
    server_name: serverName,
    report_stats: false,
    pid_file: join(folder, 'homeserver.pid'),
    signing_key_path: join(folder, 'signing.key'),
    media_store_path: join(folder, 'media'),
    log_config: join(folder, 'log.yaml'),
    tls_certificate_path: cert,
    tls_private_key_path: key,
    federation_custom_ca_list: [cert],
    listeners: [
      { ...listener, port: ports.clients, tls: false, resources: [{ names: ['client'] }] },
      { ...listener, port: ports.federation, tls: true, resources: [{ names: ['federation'] }] },
    ],
    database: { name: 'sqlite3', args: { database: join(folder, 'homeserver.db') } },
    enable_registration: true,
    enable_registration_without_verification: true,
    ip_range_blacklist: [],
    federation_ip_range_blacklist: [],
    trusted_key_servers: [],
    suppress_key_server_warning: true,
    presence: { enabled: false },
    // A first sync would answer for two minutes what it answered before.
    caches: { sync_response_cache_duration: '0s' },
    // After a cut wire it would wait ten minutes at first.
    federation: { destination_min_retry_interval: '1s', destination_max_retry_interval: '2s' },
    registration_shared_secret: 'interop',
    macaroon_secret_key: 'interop',
    form_secret: 'interop',
    rc_message: NO_LIMIT,
    rc_registration: NO_LIMIT,
    rc_login: { address: NO_LIMIT, account: NO_LIMIT, failed_attempts: NO_LIMIT },
    rc_joins: { local: NO_LIMIT, remote: NO_LIMIT },
    rc_joins_per_room: NO_LIMIT,
    rc_invites: { per_room: NO_LIMIT, per_user: NO_LIMIT, per_issuer: NO_LIMIT },
    rc_federation: {
      window_size: 1_000,
      sleep_limit: 100_000,
      sleep_delay: 10,
      reject_limit: 100_000,
      concurrent: 100,
    },
  }
}
