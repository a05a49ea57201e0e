/** Waiting for something, but not for ever. */

/**
 * What `work` answers, or undefined after `ms`. The work then goes on, and nobody hears its answer. The timer is
 * cleared with it, since a pending one would keep the object awake.
 */
export async function patiently<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const over = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms)
  })
  try {
    return await Promise.race([work, over])
  } finally {
    clearTimeout(timer)
  }
}

/** The same, and undefined for work that fails. */
export function inTime<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  return patiently(
    ms,
    work.catch(() => undefined),
  )
}
