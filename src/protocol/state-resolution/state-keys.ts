/** Maps by type and state key. Both are texts of others, so that no joined text of the two is safe as a key. */

export interface StateKey {
  type: string
  stateKey: string
}

export class StateKeyMap<V> {
  readonly #byType = new Map<string, Map<string, V>>()

  get(type: string, stateKey: string): V | undefined {
    return this.#byType.get(type)?.get(stateKey)
  }

  has(type: string, stateKey: string): boolean {
    return this.#byType.get(type)?.has(stateKey) ?? false
  }

  set(type: string, stateKey: string, value: V): void {
    const byKey = this.#byType.get(type)
    if (byKey === undefined) this.#byType.set(type, new Map([[stateKey, value]]))
    else byKey.set(stateKey, value)
  }

  delete(type: string, stateKey: string): void {
    this.#byType.get(type)?.delete(stateKey)
  }

  *entries(): Generator<StateKey & { value: V }> {
    for (const [type, byKey] of this.#byType) {
      for (const [stateKey, value] of byKey) yield { type, stateKey, value }
    }
  }
}

/** The same look-up, made once a key. */
export function remembered<V>(
  lookUp: (type: string, stateKey: string) => V,
): (type: string, stateKey: string) => V {
  const known = new StateKeyMap<V>()
  return (type, stateKey) => {
    if (!known.has(type, stateKey)) known.set(type, stateKey, lookUp(type, stateKey))
    return known.get(type, stateKey) as V
  }
}
