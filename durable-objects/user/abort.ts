/** Tests: what becomes of an object's sockets when it dies, done by hand. */

const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 0))

/**
 * Closes every socket, as an abort does; call it right before one. Some versions of the runtime forget, in an abort,
 * the sockets that were opened by requests at the same time (docs/decisions, 6): the other end would never hear of it.
 */
export async function closeAll(ctx: DurableObjectState): Promise<void> {
  const open = () => ctx.getWebSockets().filter((socket) => socket.readyState === WebSocket.OPEN)
  for (let left = open(); left.length > 0; left = open()) {
    for (const socket of left) socket.close(1011, 'The object is reset')
    // A close leaves with the end of a turn, in which another socket may have opened.
    await turn()
  }
}
