/** A Destination as Rooms call it: what one other server must still get. */

/** A room has something for the server. */
export interface DestinationMark {
  roomId: string
  /** The server takes part since this position: it is sent what comes after. */
  from: number
  /** The newest position that it must get. */
  upTo: number
}

/** Properties, not methods: of these the compiler compares the parameters with those of the rows. */
export interface DestinationPeer {
  mark: (mark: DestinationMark) => Promise<void>
}
