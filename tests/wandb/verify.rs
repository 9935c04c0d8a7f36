//! The client's own check of a server, over TLS.

use tests::Lab;

use crate::client::{environment, run};

/// A token of the form that the client accepts.
const TOKEN: &str = "9aXq2LmT7vRzY5kNhB8wJcQ3dPfG6sUeWnMbKtHx";

#[test]
fn the_client_verifies_an_encrypted_controller() {
    let lab = Lab::encrypted(TOKEN);
    let file = lab.dir().join("besom-data/certificate.pem");
    let mut verify = lab.at_home(std::process::Command::new("python3"));
    environment(&lab, &mut verify)
        .args(["-m", "wandb", "verify", "--host", &lab.address()])
        .env("WANDB_API_KEY", TOKEN)
        .env("SSL_CERT_FILE", &file)
        .env("REQUESTS_CA_BUNDLE", &file);
    let printed = run(&mut verify);
    assert!(printed.contains('✅') && !printed.contains('❌'), "{printed}");
}
