/** Lets others have the thread: on one machine all Workers share it, and a large picture takes a while. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0))
}
