//! Runs W&B's client, unmodified, against real controllers and agents. The scripts are what people
//! have: they know nothing of Besom but the address in WANDB_BASE_URL.

#![allow(clippy::unwrap_used, reason = "a test stops where its premise fails")]

mod artifacts;
mod client;
mod deleting;
mod examples;
mod logging;
mod offline;
mod outage;
mod reading;
mod resume;
mod seeds;
mod sweeps;
mod trials;
mod verify;
