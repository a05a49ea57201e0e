/** Finds the operation of the specification that a request asked for. */
import type { Operation } from './spec.ts'

/** Other names that the specification, older or unstable, gave to the same endpoints. */
const ALIASES: [RegExp, string][] = [
  [/^\/_matrix\/client\/r0\//, '/_matrix/client/v3/'],
  [/^\/_matrix\/media\/(r0|v1)\/(?!create$)/, '/_matrix/media/v3/'],
  [/^\/_matrix\/client\/v1\/refresh$/, '/_matrix/client/v3/refresh'],
  // Clients that build paths from parts leave the last slash out.
  [/(\/pushrules(\/global)?)$/, '$1/'],
  // "The trailing slash on this path is optional" where the state key is empty.
  [/(\/rooms\/[^/]+\/state\/[^/]+)$/, '$1/'],
]

interface Template {
  operation: Operation
  segments: string[]
}

export type Match = (method: string, pathname: string) => Operation | undefined

/** Parameters by which a proposal makes another endpoint of the same path, with an answer of its own. */
const PROPOSALS = ['org.matrix.msc4140.delay']

/** Whether a request asks for what a proposal defines, and the specification's schemas do not. */
export const isProposal = (query: URLSearchParams) => PROPOSALS.some((name) => query.has(name))

/** @returns a function from method and raw path to the operation */
export function matcher(operations: Operation[]): Match {
  const byShape = Map.groupBy(operations.map(templateOf), ({ operation, segments }) =>
    shape(operation.method, segments.length),
  )
  // Of two that fit, the one with fewer variables is meant.
  for (const templates of byShape.values()) {
    templates.sort((a, b) => variables(a.segments) - variables(b.segments))
  }
  return (method, pathname) => {
    const path = ALIASES.reduce((named, [alias, name]) => named.replace(alias, name), pathname)
    const segments = path.split('/')
    return byShape.get(shape(method, segments.length))?.find((template) => fits(template.segments, segments))
      ?.operation
  }
}

const templateOf = (operation: Operation): Template => ({ operation, segments: operation.path.split('/') })
const shape = (method: string, length: number) => `${method} ${length}`
const isVariable = (segment: string) => segment.startsWith('{')
const variables = (segments: string[]) => segments.filter(isVariable).length

/** An empty segment is a state key, and nothing else. */
function fits(template: string[], segments: string[]): boolean {
  return template.every((expected, index) => {
    if (!isVariable(expected)) return expected === segments[index]
    return segments[index] !== '' || expected === '{stateKey}'
  })
}
