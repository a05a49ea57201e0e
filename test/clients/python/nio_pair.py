"""Two people on matrix-nio in an encrypted room, before and after the server was restarted."""

import asyncio
import sys
import tempfile

from nio import AsyncClient, AsyncClientConfig, EnableEncryptionBuilder, RoomCreateResponse, RoomMessageText

from talk import Heard, restarted, told


async def signed_in(url: str, name: str, password: str, heard: Heard) -> AsyncClient:
    config = AsyncClientConfig(encryption_enabled=True, store_sync_tokens=True)
    client = AsyncClient(url, name, store_path=tempfile.mkdtemp(), config=config)
    answer = await client.login(password, device_name="nio")
    assert client.access_token, answer

    async def message(_room, event: RoomMessageText) -> None:
        assert event.decrypted, "a message came that was not encrypted"
        heard.add(event.body)

    client.add_event_callback(message, RoomMessageText)
    return client


async def say(client: AsyncClient, room_id: str, text: str) -> None:
    content = {"msgtype": "m.text", "body": text}
    answer = await client.room_send(room_id, "m.room.message", content, ignore_unverified_devices=True)
    assert hasattr(answer, "event_id"), answer


async def knows(client: AsyncClient, room_id: str, other: str) -> None:
    """Waits until the client has the room, encrypted and with the other in it, and the other's keys."""
    while True:
        room = client.rooms.get(room_id)
        if room and room.encrypted and other in room.users and client.device_store.active_user_devices(other):
            if list(client.device_store.active_user_devices(other)):
                return
        await client.synced.wait()
        await asyncio.sleep(0.05)


async def main(url: str, password: str) -> None:
    heard = {name: Heard() for name in ("alice", "bob")}
    alice, bob = [await signed_in(url, name, password, heard[name]) for name in heard]
    syncing = [asyncio.create_task(one.sync_forever(timeout=2_000, full_state=True)) for one in (alice, bob)]
    await asyncio.gather(alice.synced.wait(), bob.synced.wait())
    made = await alice.room_create(invite=[bob.user_id], initial_state=[EnableEncryptionBuilder().as_dict()])
    assert isinstance(made, RoomCreateResponse), made
    await bob.join(made.room_id)
    await asyncio.gather(knows(alice, made.room_id, bob.user_id), knows(bob, made.room_id, alice.user_id))
    for when in ("before", "after"):
        await say(alice, made.room_id, f"{when}: the warp")
        await heard["bob"].has(f"{when}: the warp")
        await say(bob, made.room_id, f"{when}: the weft")
        await heard["alice"].has(f"{when}: the weft")
        told(when)
        if when == "before":
            await restarted()
    for task in syncing:
        task.cancel()
    await asyncio.gather(alice.close(), bob.close())


asyncio.run(main(*sys.argv[1:]))
