"""Two people on mautrix-python in an encrypted room, before and after the server was restarted."""

import asyncio
import sys

from mautrix.client import (
    Client,
    DecryptionDispatcher,
    InternalEventType,
    MembershipEventDispatcher,
    MemoryStateStore,
    MemorySyncStore,
)
from mautrix.crypto import MemoryCryptoStore, OlmMachine, StateStore
from mautrix.types import EncryptionAlgorithm, EventType, RoomID, UserID

from talk import Heard, restarted, told


class Rooms(MemoryStateStore, StateStore):
    """What the client knows of rooms, as its encryption asks for it."""

    async def find_shared_rooms(self, user_id: UserID) -> list[RoomID]:
        return [room_id for room_id, members in self.members.items() if user_id in members]


async def signed_in(url: str, name: str, password: str, heard: Heard) -> Client:
    rooms = Rooms()
    client = Client(base_url=url, sync_store=MemorySyncStore(), state_store=rooms)
    answer = await client.login(identifier=name, password=password, device_name="mautrix")
    store = MemoryCryptoStore(answer.user_id, "pickled")
    await store.put_device_id(answer.device_id)
    machine = OlmMachine(client, store, rooms)
    await machine.load()
    client.crypto = machine
    client.add_dispatcher(DecryptionDispatcher)
    client.add_dispatcher(MembershipEventDispatcher)
    await machine.share_keys()

    async def message(event) -> None:
        if event.sender == client.mxid:
            return
        assert event["mautrix"]["was_encrypted"], "a message came that was not encrypted"
        heard.add(event.content.body)

    client.add_event_handler(EventType.ROOM_MESSAGE, message)
    return client


async def main(url: str, password: str) -> None:
    heard = {name: Heard() for name in ("alice", "bob")}
    alice, bob = [await signed_in(url, name, password, heard[name]) for name in heard]
    synced = {one.mxid: asyncio.Event() for one in (alice, bob)}
    for one in (alice, bob):

        async def note(_data, mxid=one.mxid) -> None:
            synced[mxid].set()

        one.add_event_handler(InternalEventType.SYNC_SUCCESSFUL, note)
        one.start(None)
    await asyncio.gather(*(one.wait() for one in synced.values()))
    encryption = {
        "type": "m.room.encryption",
        "state_key": "",
        "content": {"algorithm": EncryptionAlgorithm.MEGOLM_V1.value},
    }
    room_id = await alice.create_room(invitees=[bob.mxid], initial_state=[encryption])
    await bob.join_room(room_id)
    for one in (alice, bob):
        while not await one.state_store.is_encrypted(room_id):
            await asyncio.sleep(0.05)
    for when in ("before", "after"):
        await alice.send_text(room_id, f"{when}: the warp")
        await heard["bob"].has(f"{when}: the warp")
        await bob.send_text(room_id, f"{when}: the weft")
        await heard["alice"].has(f"{when}: the weft")
        told(when)
        if when == "before":
            await restarted()
    for one in (alice, bob):
        one.stop()
        await one.api.session.close()


asyncio.run(main(*sys.argv[1:]))
