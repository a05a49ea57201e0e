/** Client-Server API §Receiving notifications: by "sending an event" a user has read what came before it. */

/**
 * Whether an event says that its sender has read: not one that the server made in their name, nor their own member
 * event, by which they come and go and show a new name.
 *
 * @param unattended the server made the event, or sent it at another time than the user asked
 */
export function impliesRead(
  { type, sender, state_key }: { type: string; sender: string; state_key?: string | null },
  unattended: boolean,
): boolean {
  return !unattended && !(type === 'm.room.member' && state_key === sender)
}
