/** Several calls of a store under way at once, but few: a Worker has six connections. */

const AT_ONCE = 4

/** What each call answers, in the order of `inputs`. */
export async function someAtATime<In, Out>(inputs: In[], call: (input: In) => Promise<Out>): Promise<Out[]> {
  const answers: Out[] = []
  let next = 0
  const lane = async () => {
    for (let index = next++; index < inputs.length; index = next++)
      answers[index] = await call(inputs[index]!)
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, inputs.length) }, lane))
  return answers
}
