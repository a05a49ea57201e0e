/** Takes a command's words and its own flags out of a command line; what is left is for the table of options. */
import { parseArgs } from 'node:util'
import { StartError } from '../start-error.ts'

export interface SplitWords {
  words: string[]
  flags: Record<string, string | boolean | undefined>
  rest: string[]
}

/**
 * @param own the command's own flags
 * @param shared the names in the table of options that it takes too: their values are no words
 * @throws StartError, exit code 2, for a flag without its value, or given twice
 */
export function splitFlags(
  args: string[],
  own: Record<string, 'boolean' | 'string'>,
  shared: readonly string[],
): SplitWords {
  const options = Object.fromEntries([
    ...shared.map((name) => [name, { type: 'string' as const }]),
    ...Object.entries(own).map(([name, type]) => [name, { type }]),
  ])
  const { tokens } = parseArgs({ args, options, strict: false, tokens: true })
  const taken = new Set<number>()
  const [words, flags]: [string[], SplitWords['flags']] = [[], {}]
  for (const token of tokens) {
    if (token.kind === 'positional') {
      words.push(token.value)
      taken.add(token.index)
    }
    if (token.kind !== 'option' || !Object.hasOwn(own, token.name)) continue
    taken.add(token.index)
    if (flags[token.name] !== undefined)
      throw new StartError(`${token.rawName} is given twice (see --help)`, 2)
    if (own[token.name] === 'boolean') {
      if (token.value !== undefined) throw new StartError(`${token.rawName} takes no value (see --help)`, 2)
      flags[token.name] = true
      continue
    }
    if (!token.value) throw new StartError(`${token.rawName} needs a value (see --help)`, 2)
    flags[token.name] = token.value
    if (!token.inlineValue) taken.add(token.index + 1)
  }
  return { words, flags, rest: args.filter((_, index) => !taken.has(index)) }
}
