/** Postgres: a cluster of the stack's own, with a password. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { inPostgres, runProgram } from '../programs.ts'
import { LOOPBACK, portOf, type Service, type Stack } from '../service.ts'
import { identityOf, ownFile, ownFolder, requireWalkable } from '../users.ts'

const ROLE = 'selvedge'

const rootOf = ({ folder }: Stack) => join(folder, 'postgres')
const dataOf = (stack: Stack) => join(rootOf(stack), 'data')

export const databaseUrl = (stack: Stack): string =>
  `postgresql://${ROLE}:${stack.state.secrets.postgres}@${LOOPBACK}:${portOf(stack, 'postgres')}/${ROLE}`

/** What is set beside Postgres' own settings; fifty people need little. */
export const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: LOOPBACK,
  // A socket's path has room for about 100 bytes, and the stack's folder may lie deep.
  unix_socket_directories: '',
  max_connections: '40',
  shared_buffers: '64MB',
}

export const postgres: Service = {
  name: 'postgres',
  requires: ['initdb', 'postgres'].map((name) => ({
    name,
    find: () => inPostgres(name),
    debian: 'postgresql',
  })),
  ports: ['postgres'],
  user: 'postgres',
  // INT is its fast shutdown: TERM waits for clients to go.
  stopSignal: 'SIGINT',
  retries: 20,
  async prepare(stack, { initdb }) {
    const as = identityOf(this)
    requireWalkable(stack, as)
    ownFolder(rootOf(stack), as)
    if (existsSync(join(dataOf(stack), 'PG_VERSION'))) return
    const password = ownFile(join(rootOf(stack), 'password'), stack.state.secrets.postgres, as)
    const args = ['-D', dataOf(stack), '-U', ROLE, '-A', 'scram-sha-256', `--pwfile=${password}`]
    await runProgram(initdb!, [...args, '--locale=C.UTF-8', '--encoding=UTF8'], {
      cwd: '/',
      ...(as !== undefined && { uid: as.uid, gid: as.gid }),
    })
  },
  command(stack, programs) {
    const settings = { ...SETTINGS, port: String(portOf(stack, 'postgres')) }
    return {
      program: programs.postgres!,
      args: [
        '-D',
        dataOf(stack),
        ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
      ],
      cwd: '/',
    }
  },
  /** The database is made here, since only a running Postgres can make one. */
  async check(stack) {
    const client = new pg.Client({ connectionString: databaseUrl(stack).replace(/\/selvedge$/, '/postgres') })
    client.on('error', () => {})
    await client.connect()
    try {
      const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [ROLE])
      if (rowCount === 0) await client.query(`create database ${ROLE}`)
    } finally {
      await client.end()
    }
  },
  address: (stack) => `postgresql://${LOOPBACK}:${portOf(stack, 'postgres')}/${ROLE}`,
}
