//! The steps that a test can ask for, each answered by what the client then knows.

use anyhow::{Result, bail};
use matrix_sdk::RoomState;
use matrix_sdk::ruma::UserId;
use matrix_sdk::ruma::api::client::receipt::create_receipt::v3::ReceiptType;
use matrix_sdk::ruma::api::client::room::create_room::v3::Request as CreateRoom;
use matrix_sdk::ruma::events::InitialStateEvent;
use matrix_sdk::ruma::events::room::encryption::RoomEncryptionEventContent;
use matrix_sdk::ruma::events::room::message::RoomMessageEventContent;
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
            "encrypted": room.latest_encryption_state().await?.is_encrypted(),
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
