/** This Worker's own fan-out, as the runtime gives it to every Worker: no binding has to be there before the first deployment. */
import { exports } from 'cloudflare:workers'

/** The entrypoint of `fan-out.ts`, by the methods that its caller knows: the class itself imports its callers. */
export function ownFanOut<Stub>(): Stub {
  return (exports as unknown as { FanOut: Stub }).FanOut
}
