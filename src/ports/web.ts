/** The web, as far as the server looks at it for its users: previews of URLs. */
import type { JsonObject } from '../protocol/events/canonical-json.ts'

export interface WebClient {
  /**
   * One GET request; a redirect is an answer, for the caller to check.
   * @throws if nobody can be reached
   */
  get(url: string, accept: string, signal: AbortSignal): Promise<Response>
}

/** What a look at a URL came to. */
export type PreviewOutcome = { preview: JsonObject } | { failure: 'forbidden' | 'unreachable' }

export interface PreviewCache {
  find(url: string): Promise<PreviewOutcome | undefined>
  put(url: string, outcome: PreviewOutcome, seconds: number): Promise<void>
}
