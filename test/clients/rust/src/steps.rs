//! The steps that a test can ask for, each answered by what the client then knows.

use std::sync::Arc;

use anyhow::{Result, bail};
use matrix_sdk::RoomState;
use matrix_sdk::ruma::api::client::receipt::create_receipt::v3::ReceiptType;
use matrix_sdk::ruma::api::client::room::create_room::v3::Request as CreateRoom;
use matrix_sdk::ruma::events::InitialStateEvent;
use matrix_sdk::ruma::events::room::encryption::RoomEncryptionEventContent;
use matrix_sdk::ruma::events::room::message::RoomMessageEventContent;
use matrix_sdk::ruma::{EventId, RoomId, UserId};
use matrix_sdk_ui::notification_client::{
    NotificationClient, NotificationProcessSetup, NotificationStatus, RawNotificationEvent,
};
use matrix_sdk_ui::sync_service::State;
use matrix_sdk_ui::timeline::{EventTimelineItem, TimelineItemContent};
use serde_json::{Value, json};

use crate::client::Client;

pub async fn take(client: &Client, step: &[&str]) -> Result<Value> {
    match *step {
        ["state"] => Ok(state(client)),
        ["rooms"] => rooms(client).await,
        ["create", name, invited] => create(client, name, invited).await,
        ["join", room] => {
            client.room(room)?.join().await?;
            Ok(json!(room))
        }
        ["leave", room] => {
            client.room(room)?.leave().await?;
            Ok(json!(room))
        }
        ["direct", user] => {
            let made = client.sdk.create_dm(&UserId::parse(user)?).await?;
            Ok(json!(made.room_id()))
        }
        ["say", room, text] => {
            let content = RoomMessageEventContent::text_plain(text);
            let said = client.room(room)?.send(content).await?;
            Ok(json!(said.response.event_id))
        }
        ["timeline", room] => timeline(client, room).await,
        ["back", room, count] => {
            let reached = client
                .timeline(room)
                .await?
                .paginate_backwards(count.parse()?)
                .await?;
            Ok(json!(reached))
        }
        ["read", room] => {
            let read = client
                .timeline(room)
                .await?
                .mark_as_read(ReceiptType::Read)
                .await?;
            Ok(json!(read))
        }
        ["typists", room] => {
            let (_subscribed, mut typing) = client.room(room)?.subscribe_to_typing_notifications();
            Ok(json!(typing.recv().await?))
        }
        ["notification", room, event] => notification(client, room, event).await,
        _ => bail!("no such step"),
    }
}

fn state(client: &Client) -> Value {
    json!(match client.sync.state().get() {
        State::Idle => "idle".to_owned(),
        State::Running => "running".to_owned(),
        State::Terminated => "terminated".to_owned(),
        State::Error(error) => format!("error: {error}"),
        State::Offline => "offline".to_owned(),
    })
}

/// The room list, the newest first.
async fn rooms(client: &Client) -> Result<Value> {
    let mut told = Vec::new();
    for room in client.listed() {
        let counts = room.unread_notification_counts();
        told.push(json!({
            "id": room.room_id(),
            "name": room.display_name().await?.to_string(),
            "invited": room.state() == RoomState::Invited,
            "encrypted": room.encryption_state().is_encrypted(),
            "joined_members": room.joined_members_count(),
            "notifications": counts.notification_count,
            "highlights": counts.highlight_count,
            "unread": room.num_unread_messages(),
            "direct": room.is_direct().await?,
        }));
    }
    Ok(json!(told))
}

/// Makes an encrypted room for two.
async fn create(client: &Client, name: &str, invited: &str) -> Result<Value> {
    let mut request = CreateRoom::new();
    request.name = Some(name.to_owned());
    request.invite = vec![UserId::parse(invited)?];
    let encryption = RoomEncryptionEventContent::with_recommended_defaults();
    request.initial_state = vec![InitialStateEvent::with_empty_state_key(encryption).to_raw_any()];
    Ok(json!(client.sdk.create_room(request).await?.room_id()))
}

/// What a push of this event is shown as, by a connection of its own.
async fn notification(client: &Client, room: &str, event: &str) -> Result<Value> {
    let sync_service = Arc::clone(&client.sync);
    let setup = NotificationProcessSetup::SingleProcess { sync_service };
    let notifications = NotificationClient::new(client.sdk.clone(), setup).await?;
    let (room, event) = (RoomId::parse(room)?, EventId::parse(event)?);
    let found = notifications
        .get_notification_with_sliding_sync(&room, &event)
        .await?;
    let NotificationStatus::Event(item) = found else {
        return Ok(json!(format!("{found:?}")));
    };
    let body = match &item.raw_event {
        RawNotificationEvent::Timeline(raw) => raw.get_field::<Value>("content")?,
        RawNotificationEvent::Invite(raw) => raw.get_field::<Value>("content")?,
    };
    Ok(json!({
        "content": body,
        "sender": item.sender_display_name,
        "room": item.room_computed_display_name,
        "direct": item.is_direct_message_room,
        "joined_members": item.joined_members_count,
        "noisy": item.is_noisy,
        "mention": item.has_mention,
    }))
}

/// What the timeline shows, the oldest first.
async fn timeline(client: &Client, room: &str) -> Result<Value> {
    let items = client.timeline(room).await?.items().await;
    Ok(items
        .iter()
        .filter_map(|item| item.as_event())
        .map(shown)
        .collect())
}

fn shown(event: &EventTimelineItem) -> Value {
    let content = event.content();
    let text = match content {
        TimelineItemContent::MsgLike(_) if content.is_unable_to_decrypt() => {
            "cannot be decrypted".to_owned()
        }
        TimelineItemContent::MsgLike(_) => content
            .as_message()
            .map_or_else(String::new, |it| it.body().to_owned()),
        other => format!("({})", other.event_type_str().unwrap_or_default()),
    };
    json!({
        "sender": event.sender(),
        "text": text,
        "encrypted": event.encryption_info().is_some(),
        "receipts": event.read_receipts().keys().collect::<Vec<_>>(),
    })
}
