/** This Worker's own fan-out, as the runtime gives it to every Worker: no binding has to be there before the first deployment. */

let entrypoints: unknown

/** The Worker's entry says what the runtime exports: Node, which loads the routes for the manual and for tests, has no such module. */
export function exportedBy(exports: unknown): void {
  entrypoints = exports
}

/** The entrypoint of `fan-out.ts`, by the methods that its caller knows: the class itself imports its callers. */
export function ownFanOut<Stub>(): Stub {
  return (entrypoints as { FanOut: Stub }).FanOut
}
