//! One user's client on matrix-sdk and matrix-sdk-ui, led by a test: a step a line on stdin, its answer a line on stdout.

// The futures of the SDK nest deeper than the compiler follows by default.
#![recursion_limit = "256"]

mod client;
mod steps;

use anyhow::{Context, Result};
use client::Client;
use serde_json::Value;
use tokio::sync::mpsc;

/// The lines of stdin, which only a thread of their own can wait for.
fn asked() -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, user, password, folder] = arguments.as_slice() else {
        anyhow::bail!("arguments: URL USER PASSWORD FOLDER");
    };
    let client = Client::start(url, user, password, folder.as_ref()).await?;
    let mut lines = asked();
    while let Some(line) = lines.recv().await {
        let step: Vec<String> =
            serde_json::from_str(&line).context("a step is an array of strings")?;
        let step: Vec<&str> = step.iter().map(String::as_str).collect();
        let answer: Value = steps::take(&client, &step)
            .await
            .with_context(|| format!("at the step {line}"))?;
        println!("{answer}");
    }
    client.stop().await;
    Ok(())
}
