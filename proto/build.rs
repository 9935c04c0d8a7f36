//! Compiles `wire/*.proto` without the program `protoc`, so that a build needs only Rust.

use std::{env, fs, path::PathBuf};

use prost::Message as _;

const STORED: &str = "#[derive(serde::Serialize, serde::Deserialize)] #[serde(default)]";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=wire");
    let files = [
        "wire/sweeps.proto",
        "wire/agents.proto",
        "wire/runs.proto",
        "wire/history.proto",
        "wire/files.proto",
        "wire/artifacts.proto",
        "wire/bin.proto",
        "wire/checkpoints.proto",
        "wire/people.proto",
    ];
    let descriptors = protox::compile(files, ["wire"])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("besom.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        // `src/folder.rs` stores these messages as JSON in the folder of a run.
        .message_attribute("besom.v1.BeginRun", STORED)
        .message_attribute("besom.v1.EndRun", STORED)
        .message_attribute("besom.v1.Outcome", STORED)
        .server_mod_attribute("besom.v1", "#[cfg(feature = \"server\")]")
        .compile_fds(descriptors)?;
    Ok(())
}
