/** Tests wait for what they mean, never for a time: what in a file sleeps, or asks how long something took. */
import type { SourceFile } from './shape.ts'
import { readSyntax } from './syntax.ts'

const CLOCKWORK = ['setTimeout', 'setInterval', 'performance']
const CLOCKWORK_MODULES = /^node:(timers(\/promises)?|perf_hooks)$/

/** What the file has of that, by name. */
export function clockworkIn({ path, source }: SourceFile): string[] {
  const { globals, imports } = readSyntax(path, source)
  const modules = imports.map(({ specifier }) => specifier).filter((name) => CLOCKWORK_MODULES.test(name))
  return [...CLOCKWORK.filter((name) => globals.has(name)), ...modules]
}
