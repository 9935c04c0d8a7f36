//! Makes clients that call a controller at an address and send the token with each call. Also
//! decides after which errors a call is worth another try, and how long to wait before it. The
//! agent, the SDK, the `sweep` command and tests use this module.

use std::time::Duration;

use tonic::{
    Code, Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

use crate::v1::{
    agents_client::AgentsClient, artifacts_client::ArtifactsClient,
    checkpoints_client::CheckpointsClient, files_client::FilesClient,
    history_client::HistoryClient, runs_client::RunsClient, sweeps_client::SweepsClient,
};

/// The address at which a controller listens by default.
pub const DEFAULT_CONTROLLER: &str = "http://127.0.0.1:7070";
/// The environment variable that holds the controller's address.
pub const CONTROLLER_VAR: &str = "BESOM_CONTROLLER";
/// The environment variable that holds the token for calls to the controller.
pub const TOKEN_VAR: &str = "BESOM_TOKEN";
/// The metadata key under which a status carries advice to a person.
pub const HINT_KEY: &str = "besom-hint";
/// The metadata key under which a status carries the offset at which a refused append should have
/// begun.
pub const OFFSET_KEY: &str = "besom-offset";
/// The size of the largest message that a client accepts from the controller, in bytes.
pub const MAX_MESSAGE: usize = 64 << 20;

/// The reason why an address or a token cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// The address is not a URL such as `http://host:7070`.
    #[error("`{0}` is not the address of a controller")]
    Url(String),
    /// The address asks for TLS. Without TLS the token would travel unencrypted.
    #[error("`{0}` asks for TLS, which Besom does not have yet")]
    Encrypted(String),
    /// The token has a character other than visible ASCII and the space.
    #[error("the token has a character that cannot be sent in a header")]
    Token,
}

impl BadAddress {
    /// Returns advice for the person who set the address or the token.
    pub fn hint(&self) -> String {
        match self {
            Self::Url(_) => format!("write it like `{DEFAULT_CONTROLLER}`"),
            Self::Encrypted(_) => format!(
                "on an open network use `{DEFAULT_CONTROLLER}` through an SSH tunnel \
                 (`ssh -N -L 7070:localhost:7070 HOST`), or an `http://` address inside a VPN"
            ),
            Self::Token => {
                format!("look for a stray character in {TOKEN_VAR}: a token is ASCII, in one line")
            }
        }
    }
}

/// A maker of clients that share one connection to a controller. The connection opens at the first
/// call, and opens again when it was lost.
#[derive(Clone, Debug)]
pub struct Dial {
    channel: Channel,
    bearer: Bearer,
}

impl Dial {
    /// Prepares a connection to `controller`, which is `http://host:port` or `host:port`. Ignores
    /// white space around the token. The function does not connect, but must be called inside a
    /// tokio runtime.
    ///
    /// # Errors
    /// Fails with [`BadAddress`] if the address or the token is not valid.
    pub fn new(controller: &str, token: Option<&str>) -> Result<Self, BadAddress> {
        let endpoint = endpoint(controller)?
            .connect_timeout(Duration::from_secs(5))
            .http2_keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(20))
            .tcp_nodelay(true);
        let token = token.map(str::trim).filter(|token| !token.is_empty());
        let header = token.map(|token| {
            match token.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
                true => format!("Bearer {token}")
                    .parse::<MetadataValue<Ascii>>()
                    .map_err(|_| BadAddress::Token),
                false => Err(BadAddress::Token),
            }
        });
        let header = header.transpose()?;
        Ok(Self { channel: endpoint.connect_lazy(), bearer: Bearer(header) })
    }

    /// Returns a client of the Sweeps service.
    pub fn sweeps(&self) -> SweepsClient<Authorized> {
        SweepsClient::with_interceptor(self.channel.clone(), self.bearer.clone())
            .max_decoding_message_size(MAX_MESSAGE)
    }

    /// Returns a client of the Agents service.
    pub fn agents(&self) -> AgentsClient<Authorized> {
        AgentsClient::with_interceptor(self.channel.clone(), self.bearer.clone())
            .max_decoding_message_size(MAX_MESSAGE)
    }

    /// Returns a client of the History service.
    pub fn history(&self) -> HistoryClient<Authorized> {
        HistoryClient::with_interceptor(self.channel.clone(), self.bearer.clone())
            .max_decoding_message_size(MAX_MESSAGE)
    }

    /// Returns a client of the Artifacts service.
    pub fn artifacts(&self) -> ArtifactsClient<Authorized> {
        ArtifactsClient::with_interceptor(self.channel.clone(), self.bearer.clone())
            .max_decoding_message_size(MAX_MESSAGE)
    }

    /// Returns a client of the Checkpoints service.
    pub fn checkpoints(&self) -> CheckpointsClient<Authorized> {
        CheckpointsClient::with_interceptor(self.channel.clone(), self.bearer.clone())
            .max_decoding_message_size(MAX_MESSAGE)
    }

    /// Returns a client of the Files service.
    pub fn files(&self) -> FilesClient<Authorized> {
        FilesClient::with_interceptor(self.channel.clone(), self.bearer.clone())
            .max_decoding_message_size(MAX_MESSAGE)
    }

    /// Returns a client of the Runs service.
    pub fn runs(&self) -> RunsClient<Authorized> {
        RunsClient::with_interceptor(self.channel.clone(), self.bearer.clone())
            .max_decoding_message_size(MAX_MESSAGE)
    }
}

/// Returns the endpoint of an address. The transport would send plain text for any scheme, so this
/// function accepts only `http`.
fn endpoint(controller: &str) -> Result<Endpoint, BadAddress> {
    let (scheme, rest) = controller.split_once("://").unwrap_or(("http", controller));
    let bad = || BadAddress::Url(controller.to_owned());
    match scheme.to_ascii_lowercase().as_str() {
        "http" => {}
        "https" => return Err(BadAddress::Encrypted(controller.to_owned())),
        _ => return Err(bad()),
    }
    let endpoint = Endpoint::from_shared(format!("http://{rest}")).map_err(|_| bad())?;
    if endpoint.uri().host().is_none_or(str::is_empty) { Err(bad()) } else { Ok(endpoint) }
}

/// A channel that sends the token with every call.
pub type Authorized = InterceptedService<Channel, Bearer>;

/// An interceptor that adds `authorization: Bearer <token>` to each call if there is a token.
#[derive(Clone, Debug)]
pub struct Bearer(Option<MetadataValue<Ascii>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(header) = &self.0 {
            request.metadata_mut().insert("authorization", header.clone());
        }
        Ok(request)
    }
}

/// Returns whether the controller did not answer the call, or is overloaded. The same call can
/// succeed later.
pub fn is_transient(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Unavailable
            | Code::DeadlineExceeded
            | Code::ResourceExhausted
            | Code::Cancelled
            | Code::Unknown
    )
}

/// Returns whether the call failed for a reason that can disappear, so that the same call can
/// succeed later. Returns true if no controller answered. Returns true if the controller does not
/// know the token or the run, because it can have been started with another token or data folder.
/// Returns true if another program, such as a proxy, answers at the address.
pub fn is_away(status: &Status) -> bool {
    is_transient(status)
        || matches!(
            status.code(),
            Code::Unauthenticated | Code::PermissionDenied | Code::NotFound | Code::Unimplemented
        )
}

/// Returns the advice that a status carries; `None` if it carries none.
pub fn hint(status: &Status) -> Option<&str> {
    status.metadata().get(HINT_KEY)?.to_str().ok()
}

/// Returns the offset at which the append should begin, if the controller refused an append that
/// leaves a gap.
pub fn needed_offset(status: &Status) -> Option<u64> {
    status.metadata().get(OFFSET_KEY)?.to_str().ok()?.parse().ok()
}

/// Returns how long to wait before try number `attempt`, counted from 0. The longest pause is 100
/// ms at first and doubles with each try, up to 3.2 s. `jitter` in [0, 1) shortens a pause to as
/// little as half, so that many programs do not call at the same moment. So waiting programs reach
/// the controller within 5 s after it accepts calls again.
pub fn backoff(attempt: u32, jitter: f64) -> Duration {
    let base = Duration::from_millis(100) * (1 << attempt.min(5));
    base.mul_f64(0.5 + 0.5 * jitter)
}

/// Returns how long an agent waits for the answer to a heartbeat, in addition to the third of the
/// lease by which the controller may delay it. When a heartbeat goes out, the previous one has used
/// up a third of the lease already. If no answer comes, the delay uses up a second third, and this
/// time a sixth. So the next heartbeat comes within the lease, unless it is shorter than 5 s.
pub fn answer_patience(lease: Duration) -> Duration {
    (lease / 6).clamp(Duration::from_secs(1), Duration::from_secs(15))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_but_plain_http_is_dialled() {
        for good in
            ["http://head:7070", "HTTP://head:7070", "head:7070", "10.0.0.7:7070", "http://[::1]:1"]
        {
            assert!(Dial::new(good, None).is_ok(), "{good}");
        }
        for secret in
            ["https://head:7070", "HTTPS://head:7070", "https://10.0.0.7", "Https://[::1]:7070/x"]
        {
            let refused = Dial::new(secret, Some("hush")).unwrap_err();
            assert_eq!(refused, BadAddress::Encrypted(secret.to_owned()));
            assert!(refused.hint().contains("ssh -N -L"), "{}", refused.hint());
        }
        for bad in
            ["grpcs://head:7070", "ftp://head", "unix://socket", "http://", "://", "he ad:1", ""]
        {
            assert_eq!(Dial::new(bad, None).unwrap_err(), BadAddress::Url(bad.to_owned()), "{bad}");
        }
    }

    #[tokio::test]
    async fn white_space_around_a_token_is_ignored() {
        let header = |token| Dial::new("head:7070", Some(token)).unwrap().bearer.0;
        assert_eq!(header(" hush\r\n").unwrap(), "Bearer hush");
        assert_eq!(header(" \n"), None);
        for bad in ["hü", "a\nb", "h\u{0}"] {
            assert_eq!(Dial::new("head:7070", Some(bad)).unwrap_err(), BadAddress::Token);
        }
    }
}
