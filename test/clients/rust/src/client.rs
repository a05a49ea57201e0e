//! A client that is signed in and syncs: its store, its room list, and the timelines of the rooms it has open.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex as Shared};

use anyhow::{Context, Result};
use futures_util::{StreamExt, pin_mut};
use matrix_sdk::authentication::matrix::MatrixSession;
use matrix_sdk::ruma::{OwnedRoomId, RoomId};
use matrix_sdk::sliding_sync::VersionBuilder;
use matrix_sdk::{Client as Sdk, Room};
use matrix_sdk_ui::RoomListService;
use matrix_sdk_ui::room_list_service::filters::new_filter_non_left;
use matrix_sdk_ui::sync_service::SyncService;
use matrix_sdk_ui::timeline::{RoomExt, Timeline};
use tokio::sync::Mutex;

/// How many rooms the list shows at most.
const PAGE: usize = 200;

pub struct Client {
    pub sdk: Sdk,
    pub sync: Arc<SyncService>,
    listed: Arc<Shared<Vec<Room>>>,
    timelines: Mutex<HashMap<OwnedRoomId, Arc<Timeline>>>,
}

impl Client {
    /// Signs in, or goes on with the session and the state that the folder has, and begins to sync.
    pub async fn start(url: &str, user: &str, password: &str, folder: &Path) -> Result<Self> {
        let sdk = Sdk::builder()
            .homeserver_url(url)
            .sliding_sync_version_builder(VersionBuilder::DiscoverNative)
            .sqlite_store(folder, None)
            .build()
            .await?;
        sign_in(&sdk, user, password, &folder.join("session.json")).await?;
        let sync = SyncService::builder(sdk.clone())
            .with_offline_mode()
            .build()
            .await?;
        let sync = Arc::new(sync);
        let listed = Arc::default();
        tokio::spawn(follow(sync.room_list_service(), Arc::clone(&listed)));
        sync.start().await;
        Ok(Self {
            sdk,
            sync,
            listed,
            timelines: Mutex::default(),
        })
    }

    /// The rooms of the list as a user sees them, the newest first.
    pub fn listed(&self) -> Vec<Room> {
        self.listed.lock().unwrap().clone()
    }

    pub fn room(&self, id: &str) -> Result<Room> {
        let id = RoomId::parse(id)?;
        self.sdk.get_room(&id).context("the room is not known")
    }

    /// The timeline of a room; opened the first time, by which the list's connection subscribes to the room.
    pub async fn timeline(&self, id: &str) -> Result<Arc<Timeline>> {
        let room = self.room(id)?;
        let mut timelines = self.timelines.lock().await;
        if let Some(open) = timelines.get(room.room_id()) {
            return Ok(Arc::clone(open));
        }
        let opened = Arc::new(room.timeline().await?);
        timelines.insert(room.room_id().to_owned(), Arc::clone(&opened));
        let ids: Vec<&RoomId> = timelines.keys().map(|id| &**id).collect();
        self.sync.room_list_service().subscribe_to_rooms(&ids).await;
        Ok(opened)
    }

    pub async fn stop(&self) {
        self.sync.stop().await;
    }
}

async fn sign_in(sdk: &Sdk, user: &str, password: &str, kept: &Path) -> Result<()> {
    if let Ok(session) = fs::read(kept) {
        let session: MatrixSession = serde_json::from_slice(&session)?;
        return Ok(sdk.restore_session(session).await?);
    }
    let auth = sdk.matrix_auth();
    auth.login_username(user, password)
        .initial_device_display_name("Rust")
        .send()
        .await?;
    let session = auth.session().context("no session after the login")?;
    Ok(fs::write(kept, serde_json::to_vec(&session)?)?)
}

/// Keeps the list as the changes of the service make it.
async fn follow(service: Arc<RoomListService>, listed: Arc<Shared<Vec<Room>>>) -> Result<()> {
    let list = service.all_rooms().await?;
    let (changes, controller) = list.entries_with_dynamic_adapters(PAGE);
    controller.set_filter(Box::new(new_filter_non_left()));
    pin_mut!(changes);
    let mut items = Default::default();
    while let Some(changes) = changes.next().await {
        for change in changes {
            change.apply(&mut items);
        }
        *listed.lock().unwrap() = items.iter().map(|item| item.clone().into_inner()).collect();
    }
    Ok(())
}
