/** `npm run keys:rotate`: new keys in front of both lists. The old signing key gets its end, and others are told of it. */
import { readFileSync } from 'node:fs'
import * as z from 'zod'
import { openDataFolder } from '../../data-folder.ts'
import {
  type Keys,
  newSigningKey,
  newTokenKey,
  readKeys,
  SecretLists,
  writeKeys,
  writePrivate,
} from '../../keys.ts'
import { helpText, readOptions } from '../../options/options.ts'
import { StartError } from '../../start-error.ts'
import { runCommand } from '../command.ts'
import { splitFlags } from '../words.ts'

const shared = ['data-dir'] as const

const OWN_HELP = `  --secrets <file>  The secrets of a deployment to Cloudflare, as npm run deploy takes them, in place of a data folder.
`

await runCommand(async () => {
  const { words, flags, rest } = splitFlags(process.argv.slice(2), { secrets: 'string' }, shared)
  const options = readOptions([...rest, ...words], process.env, shared)
  if (options === 'help') {
    process.stdout.write(`${helpText('npm run keys:rotate', shared)}${OWN_HELP}`)
    return
  }
  const secrets = flags.secrets
  if (typeof secrets === 'string') rotateSecrets(secrets)
  else rotateFolder(options['data-dir'])
})

type Lists = Pick<Keys, 'signing_keys' | 'token_keys'>

/** What the old token keys have signed stays good: they go on verifying. */
function rotated({ signing_keys: signing, token_keys: tokens }: Lists, now: number): Lists {
  return {
    signing_keys: [newSigningKey(), ...signing.map((key) => ({ expired_ts: now, ...key }))],
    token_keys: [newTokenKey(), ...tokens],
  }
}

function rotateFolder(dataDir: string): void {
  const folder = openDataFolder(dataDir)
  try {
    const keys = readKeys(folder.keys)
    if (keys === undefined)
      throw new StartError(`${folder.keys} is missing: there is no server in this folder`)
    const lists = rotated(keys, Date.now())
    writeKeys(folder.keys, { ...keys, ...lists })
    console.log(`the next start signs with ${lists.signing_keys[0]!.id}`)
  } finally {
    folder.unlock()
  }
}

/** The file that `npm run deploy` takes: its values are texts. */
function rotateSecrets(file: string): void {
  const secrets = z.record(z.string(), z.string()).safeParse(parsed(read(file)))
  if (!secrets.success) throw new StartError(`${file} must be a JSON object of texts`)
  const lists = SecretLists.safeParse({
    signing_keys: parsed(secrets.data.SIGNING_KEYS ?? ''),
    token_keys: parsed(secrets.data.TOKEN_KEYS ?? ''),
  })
  if (!lists.success)
    throw new StartError(`${file} needs SIGNING_KEYS and TOKEN_KEYS, each a JSON list of keys`)
  const { signing_keys: signing, token_keys: tokens } = rotated(lists.data, Date.now())
  const changed = {
    ...secrets.data,
    SIGNING_KEYS: JSON.stringify(signing),
    TOKEN_KEYS: JSON.stringify(tokens),
  }
  writePrivate(file, changed)
  console.log(`once both secrets are deployed, the server signs with ${signing[0]!.id}`)
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw new StartError(`${file} cannot be read`)
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
