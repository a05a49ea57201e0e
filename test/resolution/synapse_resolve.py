"""Resolves forks by Synapse's own state resolution: one room a line of JSON comes in, one answer a line goes out."""

import json
import sys

import synapse.event_auth  # noqa: F401 (first, since synapse.state and it import each other)
from synapse.api.room_versions import KNOWN_ROOM_VERSIONS
from synapse.events import make_event_from_dict
from synapse.state.v2 import resolve_events_with_store
from synapse.storage.databases.main.event_federation import StateDifference


class Clock:
    async def sleep(self, duration):
        return None


class Store:
    """The events of one room, with the auth chains walked event by event."""

    def __init__(self, events):
        self.events = events
        self.chains = {}

    async def get_events(self, event_ids, allow_rejected=False):
        found = {event_id: self.events[event_id] for event_id in event_ids if event_id in self.events}
        return {i: e for i, e in found.items() if allow_rejected or e.rejected_reason is None}

    def chain(self, event_id):
        """The auth chain of an event, and the event."""
        if event_id not in self.chains:
            chain = {event_id}
            for cited in self.events[event_id].auth_event_ids():
                chain |= self.chain(cited)
            self.chains[event_id] = chain
        return self.chains[event_id]

    async def get_auth_chain_difference(self, room_id, state_sets, conflicted, additional):
        assert not additional
        chains = [set().union(*(self.chain(e) for e in state_set)) for state_set in state_sets]
        difference = set().union(*chains) - set(chains[0]).intersection(*chains)
        subgraph = None
        if conflicted is not None:
            below = set().union(*(self.chain(e) for e in conflicted))
            subgraph = {e for e in below if self.chain(e) & conflicted}
        return StateDifference(auth_difference=difference, conflicted_subgraph=subgraph)


def finished(coroutine):
    """What a coroutine returns that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise RuntimeError("the resolution waited")


def resolve_room(room):
    version = KNOWN_ROOM_VERSIONS[room["version"]]
    events = {}
    for entry in room["events"]:
        reason = "rejected" if entry["rejected"] else None
        event = make_event_from_dict(entry["pdu"], version, rejected_reason=reason)
        if event.event_id != entry["id"]:
            raise RuntimeError(f"{entry['id']} is {event.event_id} to Synapse")
        events[event.event_id] = event
    store = Store(events)
    answers = []
    for states in room["forks"]:
        sets = [{(events[i].type, events[i].state_key): i for i in state} for state in states]
        state = finished(resolve_events_with_store(Clock(), room["room_id"], version, sets, None, store))
        answers.append(sorted(state.values()))
    return answers


for line in sys.stdin:
    print(json.dumps(resolve_room(json.loads(line))), flush=True)
