/** Gives the user who is signed in to the application a token for the chat. */
import { auth } from '@/auth'
import { chatToken } from '@/chat/token'

export async function POST(): Promise<Response> {
  const session = await auth()
  if (!session?.user?.id) return new Response(null, { status: 401 })
  const token = await chatToken(
    { id: session.user.id, name: session.user.name },
    {
      issuer: process.env.CHAT_ISSUER ?? '',
      audience: process.env.CHAT_AUDIENCE ?? '',
      secret: process.env.CHAT_SECRET ?? '',
    },
  )
  return Response.json({ token }, { headers: { 'cache-control': 'no-store' } })
}
