/** The layers of the house as tables: who may import whom, and which globals are kept out of which files. */
import { posix } from 'node:path'
import { readSyntax } from './syntax.ts'

interface ImportRule {
  sentence: string
  /** Files the rule speaks of. */
  from: RegExp
  /** Files it does not speak of, though they match. */
  but?: RegExp
  /** What they may not import: project paths, or names of packages. `$1` is what `from` captured. */
  never?: RegExp
  /** What alone they may import. `$1` is what `from` captured. */
  only?: (captured: string) => RegExp
  neverOther?: (captured: string) => RegExp
}

const importRules: ImportRule[] = [
  {
    sentence: 'src/protocol imports itself and zod alone, and node:crypto for hashes and signatures',
    from: /^src\/protocol\//,
    only: () => /^(src\/protocol\/|zod$|node:(crypto|buffer)$)/,
  },
  {
    sentence: 'src/objects imports protocol alone',
    from: /^src\/objects\//,
    only: () => /^src\/(protocol|objects)\//,
  },
  {
    sentence: 'src/ports imports protocol and objects alone',
    from: /^src\/ports\//,
    only: () => /^src\/(protocol|objects|ports)\//,
  },
  {
    sentence: 'capabilities never import each other',
    from: /^src\/(?!(?:protocol|ports|objects|storage)\/)([^/]+)\//,
    neverOther: (own) => new RegExp(`^src/(?!(?:protocol|ports|objects|storage|${own})/)[^/]+/`),
  },
  {
    sentence: 'src/storage imports protocol, ports and drivers',
    from: /^src\/storage\//,
    never: /^src\/(?!(storage|protocol|ports|objects)\/|env\.ts$)/,
  },
  {
    sentence: 'only src/context imports storage',
    from: /^(src|durable-objects|workers|local)\//,
    // What looks into stores of media where no server runs.
    but: /^(src\/(context\.ts$|storage\/)|local\/backup\/media\.ts$)/,
    never: /^src\/storage\//,
  },
  {
    sentence: 'drivers live in src/storage alone',
    from: /^(src|durable-objects|workers)\//,
    but: /^src\/storage\//,
    never: /^(@neondatabase\/|@upstash\/|pg($|\/))/,
  },
  {
    sentence: 'src knows no objects and no workers',
    from: /^src\//,
    never: /^(durable-objects|workers)\//,
  },
  { sentence: 'only workers import Hono', from: /^(src|durable-objects)\//, never: /^hono($|\/)/ },
  { sentence: 'objects never import workers', from: /^durable-objects\//, never: /^workers\// },
  {
    sentence: 'objects reach each other only through peers',
    from: /^durable-objects\/(room|user|destination|partition)\//,
    neverOther: (own) => new RegExp(`^durable-objects/(?!${own}/)[^/]+/`),
  },
  {
    sentence: "a Room's tables import nothing that reads, writes or tells",
    from: /^durable-objects\/room\/rows\//,
    never: /^durable-objects\/room\/(read|write|tell)\//,
  },
  {
    sentence: 'what reads a Room imports nothing that writes it or tells of it',
    from: /^durable-objects\/room\/read\//,
    never: /^durable-objects\/room\/(write|tell)\//,
  },
  {
    sentence: 'the pipeline of a Room and the consumers of its commits do not know each other',
    from: /^durable-objects\/room\/(write|tell)\//,
    neverOther: (own) => new RegExp(`^durable-objects/room/(?!${own}/)(write|tell)/`),
  },
  {
    sentence: "a User's presence and to-device messages know no other feature",
    from: /^durable-objects\/user\/(presence|to-device)\//,
    neverOther: (own) => new RegExp(`^durable-objects/user/(?!${own}/)[^/]+/`),
  },
  {
    sentence: 'the heads of rooms know neither storage nor network, as the model of sync runs them',
    from: /^durable-objects\/user\/sync\/heads\//,
    only: () => /^(durable-objects\/user\/sync\/heads|src\/(objects|protocol))\//,
  },
  {
    sentence: 'the streams of a sync know no codec: another endpoint reads them too',
    from: /^durable-objects\/user\/sync\/streams\//,
    never: /^durable-objects\/user\/sync\/codecs\//,
  },
  {
    sentence: 'workers reach objects only through the gate',
    from: /^workers\//,
    // The entry point re-exports the classes, which the runtime wants there.
    but: /^workers\/index\.ts$/,
    never: /^durable-objects\/(?!gate\.ts$)/,
  },
  {
    sentence: 'clients run in browsers, and import themselves alone, the status pages their charts',
    from: /^clients\//,
    only: () => /^(clients\/|uplot$)/,
  },
  { sentence: 'nobody imports local', from: /^(src|durable-objects|workers)\//, never: /^local\// },
  {
    sentence: 'nobody imports tests or bench',
    from: /^(src|durable-objects|workers|local)\//,
    never: /^(test|bench)\//,
  },
]

interface GlobalRule {
  sentence: string
  from: RegExp
  but?: RegExp
  globals: string[]
}

const globalRules: GlobalRule[] = [
  {
    sentence: 'src/protocol is pure: no',
    from: /^src\/protocol\//,
    globals: [
      'Date',
      'Math.random',
      'fetch',
      'console',
      'crypto',
      'globalThis',
      'performance',
      'process',
      'setTimeout',
      'setInterval',
      'queueMicrotask',
      'Promise',
    ],
  },
  {
    sentence: 'time, randomness, network and console come through the ports: no ambient',
    from: /^(src|durable-objects|workers)\//,
    // The adapters that the ports are made of, and what counts timers for tests.
    but: /^src\/(protocol\/|storage\/|(context|held|log|system)\.ts$)/,
    globals: [
      'Date.now',
      'Date.()',
      'Math.random',
      'fetch',
      'console',
      'performance',
      'globalThis',
      'crypto.getRandomValues',
      'crypto.randomUUID',
    ],
  },
]

/** A string that begins as a statement of SQL. */
const statement =
  /['"`]\s*(SELECT|INSERT|UPDATE|DELETE FROM|CREATE (UNIQUE )?(TABLE|INDEX)|ALTER TABLE|WITH \w+ AS)\s/

/** Where a Room's statements stand: beside their tables. */
const statements = {
  sentence: "a Room's statements stand with its tables, in durable-objects/room/rows",
  from: /^durable-objects\/room\/(?!rows\/)/,
}

/** What zod makes of an object whose keys others choose lacks a key named `__proto__`. */
const schemas = {
  sentence: 'objects with keys of others have the schemas of src/protocol/json-schemas.ts',
  from: /^(src|durable-objects|workers)\//,
  use: /\bz\s*\.(record|partialRecord|looseRecord|looseObject|intersection|json)\(/,
}

const randomness = /^(randomBytes|randomInt|randomUUID|randomFillSync|randomFill|getRandomValues|webcrypto)$/

/** A sentence for each rule that the file breaks; `path` is relative to the project. */
export function brokenRules(path: string, source: string): string[] {
  const { imports, globals, async } = readSyntax(path, source)
  const targets = imports.map(({ specifier, names }) => ({ names, target: resolved(path, specifier) }))
  const broken: string[] = []
  for (const { target, names } of targets) {
    for (const rule of importRules)
      if (breaks(rule, path, target)) broken.push(`${path} imports ${target}: ${rule.sentence}`)
    if (path.startsWith('workers/') && names.includes('serverNameOf'))
      broken.push(`${path} imports serverNameOf: whose an id is, objects.servers says`)
    if (target === 'node:crypto' && names.some((name) => randomness.test(name)) && !isAdapter(path)) {
      broken.push(`${path} imports ${names.join(', ')}: randomness comes through the ports`)
    }
  }
  for (const { sentence, from, but, globals: forbidden } of globalRules) {
    if (!from.test(path) || but?.test(path)) continue
    for (const name of forbidden)
      if (globals.has(name)) broken.push(`${path}: ${sentence} ${name.replace('.()', '')}`)
  }
  if (statements.from.test(path) && statement.test(source)) broken.push(`${path}: ${statements.sentence}`)
  if (schemas.from.test(path) && schemas.use.test(source)) broken.push(`${path}: ${schemas.sentence}`)
  if (async && path.startsWith('src/protocol/')) broken.push(`${path}: src/protocol is synchronous`)
  return broken
}

function breaks(rule: ImportRule, path: string, target: string): boolean {
  const match = rule.from.exec(path)
  if (!match || rule.but?.test(path)) return false
  const captured = match[1] ?? ''
  if (rule.only && !rule.only(captured).test(target)) return true
  return rule.never?.test(target) === true || rule.neverOther?.(captured).test(target) === true
}

function isAdapter(path: string): boolean {
  return path === 'src/system.ts' || path.startsWith('local/')
}

function resolved(path: string, specifier: string): string {
  return specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : specifier
}
