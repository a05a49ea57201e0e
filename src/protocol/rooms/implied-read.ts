/** Client-Server API §Receiving notifications: by "sending an event" a user has read what came before it. */

/**
 * Whether an event says that its sender has read. An event that the server made in their name does not, nor does their
 * own member event, by which they come and go and change their name.
 *
 * @param unattended the server made the event, or sent it at another time than the user asked
 */
export function impliesRead(
  { type, sender, state_key }: { type: string; sender: string; state_key?: string | null },
  unattended: boolean,
): boolean {
  return !unattended && !(type === 'm.room.member' && state_key === sender)
}
