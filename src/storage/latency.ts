/** How long an answer may take, by how long the ones before it took: as TCP decides when to send again (RFC 6298). */

const FIRST_MS = 1000
/** An answer that is usually there in 2 ms may still take this long once: a garbage collection, a lost packet. */
const LEAST_MS = 100
const MOST_MS = 2000

export class Latency {
  #smoothed: number | undefined
  #variation = 0
  #missed = 1

  /** An answer took so long, ms. */
  heard(ms: number): void {
    this.#missed = 1
    if (this.#smoothed === undefined) {
      this.#smoothed = ms
      this.#variation = ms / 2
      return
    }
    this.#variation += (Math.abs(this.#smoothed - ms) - this.#variation) / 4
    this.#smoothed += (ms - this.#smoothed) / 8
  }

  /** None came in time: the next one gets twice as long, or a server that has become slower would never be heard. */
  missed(): void {
    if (this.patienceMs < MOST_MS) this.#missed *= 2
  }

  /** How long the next answer is waited for, ms. */
  get patienceMs(): number {
    const usual = this.#smoothed === undefined ? FIRST_MS : this.#smoothed + 4 * this.#variation
    return Math.min(MOST_MS, Math.max(LEAST_MS, usual) * this.#missed)
  }
}
