/** How long a request waits for what happens anyway, whether it waits or not. */
const PATIENCE_MS = 2_000

/** Answers when the work is done or has failed, or after two seconds: its owner tries again by itself. */
export async function patiently(work: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, PATIENCE_MS)
  })
  await Promise.race([work.catch(() => undefined), patience])
  clearTimeout(timer)
}
