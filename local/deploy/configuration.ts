/** What is to be deployed: the two files of wrangler, read by wrangler itself, and the secrets that were given. */
import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { unstable_readConfig } from 'wrangler'
import * as z from 'zod'
import { projectRoot } from '../paths.ts'
import { messageOf, StartError } from '../start-error.ts'

const Route = z.union([z.string(), z.object({ pattern: z.string() }).transform(({ pattern }) => pattern)])

/** What we look at of a configuration that wrangler has read. */
const WranglerConfig = z.object({
  name: z.string(),
  account_id: z.string().optional(),
  compatibility_date: z.string().optional(),
  compatibility_flags: z.array(z.string()),
  route: Route.optional(),
  routes: z.array(Route).default([]),
  vars: z.record(z.string(), z.coerce.string()),
  durable_objects: z.object({ bindings: z.array(z.object({ name: z.string(), class_name: z.string() })) }),
  migrations: z.array(z.looseObject({ tag: z.string() })),
  r2_buckets: z.array(
    z.object({
      binding: z.string(),
      bucket_name: z.string().optional(),
      jurisdiction: z.string().optional(),
    }),
  ),
  services: z
    .array(z.object({ binding: z.string(), service: z.string(), entrypoint: z.string().optional() }))
    .default([]),
})

export type WranglerConfig = z.infer<typeof WranglerConfig>

export interface Configuration {
  /** As the operator knows the file. */
  file: string
  path: string
  worker: WranglerConfig
  thumbnailsPath: string
  thumbnails: WranglerConfig
  /** The settings of [vars]. */
  vars: Record<string, string>
  /** Those that a file has given, by name. */
  secrets: Record<string, string>
  secretsPath?: string
}

const Secrets = z.record(z.string(), z.string())
const THUMBNAILS = 'wrangler.thumbnails.toml'

/** @throws StartError where a file cannot be read, or wrangler does not take it */
export function readConfiguration({ config, secrets }: { config?: string; secrets?: string }): Configuration {
  const path = config ?? join(projectRoot, 'wrangler.toml')
  const thumbnailsPath = join(projectRoot, THUMBNAILS)
  const worker = readBy(path)
  return {
    file: basename(path),
    path,
    worker,
    thumbnailsPath,
    thumbnails: readBy(thumbnailsPath),
    vars: worker.vars,
    secrets: secrets === undefined ? {} : readSecrets(secrets),
    secretsPath: secrets,
  }
}

function readBy(path: string): WranglerConfig {
  if (!existsSync(path)) throw new StartError(`${path} is missing: name the file by --config`, 2)
  try {
    return WranglerConfig.parse(unstable_readConfig({ config: path }, { hideWarnings: true }))
  } catch (error) {
    throw new StartError(`${path} is not what wrangler expects: ${messageOf(error)}`)
  }
}

function readSecrets(path: string): Record<string, string> {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new StartError(`--secrets ${path} cannot be read: ${messageOf(error)}`, 2)
  }
  try {
    return Secrets.parse(JSON.parse(text))
  } catch {
    // The reason would quote the file.
    throw new StartError(`--secrets ${path} must be a JSON object of names and texts`, 2)
  }
}
