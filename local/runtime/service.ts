/** What stands between the Worker and a local endpoint: a switch for tests, and a count of calls. */

export interface JsonAnswer {
  status: number
  json: unknown
}

/** Tests stop, slow and start a dependency by this. */
export interface ServiceControls {
  /** Requests the Worker made so far, those refused while stopped included. */
  readonly calls: number
  /** Every request fails from now on, as if nobody listened. */
  stop(): void
  start(): void
  /** Each answer comes this much later; 0 ends it. */
  delay(ms: number): void
  /** The answers to these requests are lost from now on, though they were done; undefined ends it. */
  lose(which: ((request: unknown) => boolean) | undefined): void
}

/** `service` behind a switch. */
export function switchable<Request>(service: (request: Request) => Promise<JsonAnswer>): {
  service: (request: Request) => Promise<JsonAnswer>
  controls: ServiceControls
} {
  const state = { calls: 0, stopped: false, delayMs: 0, isLost: (_: unknown): boolean => false }
  return {
    async service(request) {
      state.calls += 1
      if (state.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, state.delayMs))
      if (state.stopped) return { status: 503, json: { error: 'stopped', message: 'stopped' } }
      const answer = await service(request)
      return state.isLost(request) ? { status: 503, json: { error: 'lost', message: 'lost' } } : answer
    },
    controls: {
      get calls() {
        return state.calls
      },
      stop() {
        state.stopped = true
      },
      start() {
        state.stopped = false
      },
      delay(ms) {
        state.delayMs = ms
      },
      lose(which = () => false) {
        state.isLost = which
      },
    },
  }
}
