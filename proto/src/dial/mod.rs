//! Makes clients that call a controller at an address and send the token with each call. Also
//! decides after which errors a call is worth another try, and how long to wait before it. The
//! agent, the SDK, the `sweep` command and tests use this module.

mod connector;
pub mod keys;
mod trust;

use std::{error::Error, io, net::IpAddr, path, time::Duration};

use tonic::{
    Code, Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

use crate::v1::{
    agents_client::AgentsClient, artifacts_client::ArtifactsClient, bin_client::BinClient,
    checkpoints_client::CheckpointsClient, files_client::FilesClient,
    history_client::HistoryClient, people_client::PeopleClient, runs_client::RunsClient,
    sweeps_client::SweepsClient,
};
use connector::{Connector, Untrusted};
pub use trust::Fingerprint;

/// The address at which a controller listens by default.
pub const DEFAULT_CONTROLLER: &str = "http://127.0.0.1:7070";
/// The environment variable that holds the controller's address.
pub const CONTROLLER_VAR: &str = "BESOM_CONTROLLER";
/// The environment variable that holds the token for calls to the controller.
pub const TOKEN_VAR: &str = "BESOM_TOKEN";
/// The environment variable that says which certificates of a controller a client accepts.
pub const TRUST_VAR: &str = "BESOM_TRUST";
/// The environment variable that allows calls over a network without TLS.
pub const INSECURE_VAR: &str = "BESOM_INSECURE";
/// The metadata key under which a status carries advice to a person. The value is binary, because
/// advice may have any characters.
const HINT_KEY: &str = "besom-hint-bin";
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
    /// The address leads over a network, without TLS.
    #[error("everyone on the way to `{0}` could read the token and all that is logged")]
    Plain(String),
    /// The text that says which certificates to accept cannot be used. The field says why.
    #[error("cannot tell which certificates to accept: {0}")]
    Trust(String),
    /// The token has a character other than visible ASCII and the space.
    #[error("the token has a character that cannot be sent in a header")]
    Token,
}

impl BadAddress {
    /// Returns advice for the person who set the address or the token.
    pub fn hint(&self) -> String {
        match self {
            Self::Url(_) => format!("write it like `{DEFAULT_CONTROLLER}`"),
            Self::Plain(_) => format!(
                "start the controller with `--tls self-signed` and write `https://`, or allow it \
                 with `--insecure` or {INSECURE_VAR}=1, for example inside a VPN"
            ),
            Self::Trust(_) => format!(
                "set `--trust` or {TRUST_VAR} to the `sha256:...` that the controller prints at \
                 its start, or to a PEM file with the authority of its certificate"
            ),
            Self::Token => {
                format!("look for a stray character in {TOKEN_VAR}: a token is ASCII, in one line")
            }
        }
    }
}

/// How a client reaches a controller: what the flags and the environment of a program say.
#[derive(Clone, Default)]
pub struct Reach {
    /// The address: `https://host:port`, `http://host:port`, or `host:port`, which means `http`.
    pub controller: String,
    /// The token that every call carries. White space around it does not count, and an empty token
    /// counts as none.
    pub token: Option<String>,
    /// The certificates to accept: the `sha256:...` of one, or the path of a PEM file with
    /// authorities. `None`, or an empty text: those of the authorities that the machine trusts.
    pub trust: Option<String>,
    /// Whether the calls may go over a network without TLS.
    pub insecure: bool,
}

impl Reach {
    /// Fills in the key that `sweep login` has stored for the controller, if there is no token.
    #[must_use]
    pub fn with_stored_key(mut self) -> Self {
        if self.token.as_deref().is_none_or(|token| token.trim().is_empty()) {
            self.token = keys::stored(&self.controller);
        }
        self
    }

    /// Makes the path in `trust` absolute, for programs that run in another folder.
    #[must_use]
    pub fn from_any_folder(mut self) -> Self {
        if let Some(text) = &mut self.trust
            && !text.trim().is_empty()
            && !text.starts_with(trust::SCHEME)
            && let Ok(path) = path::absolute(&text)
        {
            *text = path.display().to_string();
        }
        self
    }
}

impl std::fmt::Debug for Reach {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The token stays out of logs.
        let Self { controller, trust, insecure, .. } = self;
        write!(formatter, "Reach({controller}, trust {trust:?}, insecure {insecure})")
    }
}

/// Returns whether this value of [`INSECURE_VAR`] allows calls without TLS over a network.
pub fn allows(text: &str) -> bool {
    let text = text.trim().to_ascii_lowercase();
    !matches!(text.as_str(), "" | "0" | "n" | "no" | "f" | "false" | "off")
}

/// A maker of clients that share one connection to a controller. The connection opens at the first
/// call, and opens again when it was lost.
#[derive(Clone, Debug)]
pub struct Dial {
    channel: Channel,
    bearer: Bearer,
}

impl Dial {
    /// Prepares a connection as [`Dial::reach`] does, to a controller on this machine or one whose
    /// certificate the machine trusts.
    ///
    /// # Errors
    /// Fails with [`BadAddress`] if the address or the token is not valid.
    pub fn new(controller: &str, token: Option<&str>) -> Result<Self, BadAddress> {
        let (controller, token) = (controller.to_owned(), token.map(str::to_owned));
        Self::reach(&Reach { controller, token, ..Reach::default() })
    }

    /// Prepares a connection. The function does not connect, but must be called inside a tokio
    /// runtime.
    ///
    /// # Errors
    /// Fails with [`BadAddress`] if the address, the token or the trust is not valid, or if the
    /// calls would go over a network without TLS and `insecure` is not set.
    pub fn reach(reach: &Reach) -> Result<Self, BadAddress> {
        let endpoint = endpoint(&reach.controller, reach.insecure)?
            .connect_timeout(Duration::from_secs(5))
            .http2_keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(20))
            .tcp_nodelay(true);
        let bearer = Bearer(reach.token.as_deref().map_or(Ok(None), header)?);
        let channel = if endpoint.uri().scheme_str() == Some("https") {
            let settings = trust::settings(reach.trust.as_deref()).map_err(BadAddress::Trust)?;
            endpoint.connect_with_connector_lazy(Connector::new(settings))
        } else {
            endpoint.connect_lazy()
        };
        Ok(Self { channel, bearer })
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

    /// Returns a client of the Bin service.
    pub fn bin(&self) -> BinClient<Authorized> {
        BinClient::with_interceptor(self.channel.clone(), self.bearer.clone())
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

    /// Returns a client of the People service.
    pub fn people(&self) -> PeopleClient<Authorized> {
        PeopleClient::with_interceptor(self.channel.clone(), self.bearer.clone())
            .max_decoding_message_size(MAX_MESSAGE)
    }

    /// Returns a client of the Runs service.
    pub fn runs(&self) -> RunsClient<Authorized> {
        RunsClient::with_interceptor(self.channel.clone(), self.bearer.clone())
            .max_decoding_message_size(MAX_MESSAGE)
    }
}

/// Returns the endpoint of an address. Fails if the address leads over a network without TLS and
/// `insecure` is not set.
fn endpoint(controller: &str, insecure: bool) -> Result<Endpoint, BadAddress> {
    let (scheme, rest) = controller.split_once("://").unwrap_or(("http", controller));
    let bad = || BadAddress::Url(controller.to_owned());
    let scheme = scheme.to_ascii_lowercase();
    if !matches!(scheme.as_str(), "http" | "https") {
        return Err(bad());
    }
    let endpoint = Endpoint::from_shared(format!("{scheme}://{rest}")).map_err(|_| bad())?;
    match endpoint.uri().host() {
        None | Some("") => Err(bad()),
        Some(host) if scheme == "http" && !insecure && !is_loopback(host) => {
            Err(BadAddress::Plain(controller.to_owned()))
        }
        Some(_) => Ok(endpoint),
    }
}

/// Returns whether calls to this host stay on the machine.
fn is_loopback(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

/// Returns the header that carries a token; `None` if the token is empty.
fn header(token: &str) -> Result<Option<MetadataValue<Ascii>>, BadAddress> {
    let token = token.trim();
    if token.is_empty() {
        return Ok(None);
    }
    if !token.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        return Err(BadAddress::Token);
    }
    format!("Bearer {token}").parse().map(Some).map_err(|_| BadAddress::Token)
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

/// Returns the reason of a failed call in words: the innermost cause of a failed connection, or the
/// controller's message.
pub fn reason(status: &Status) -> String {
    causes(status).last().map_or_else(|| status.message().to_owned(), ToString::to_string)
}

/// Returns whether the connection was refused, because no program listens at the address.
pub fn is_refused(status: &Status) -> bool {
    causes(status)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::ConnectionRefused)
}

/// Returns advice for the person whose program could not connect, if it can be more precise than
/// to start a controller.
pub fn advice(status: &Status) -> Option<String> {
    let untrusted = causes(status)
        .filter_map(|cause| cause.downcast_ref::<io::Error>()?.get_ref())
        .any(|inner| inner.is::<Untrusted>());
    untrusted.then(|| BadAddress::Trust(String::new()).hint())
}

/// Returns why no answer came, from the outermost error to the innermost. An answer has no causes.
fn causes(status: &Status) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(status.source(), |&cause| cause.source())
}

/// Adds advice to a status.
pub fn advise(status: &mut Status, hint: &str) {
    status.metadata_mut().insert_bin(HINT_KEY, MetadataValue::from_bytes(hint.as_bytes()));
}

/// Returns the advice that a status carries; `None` if it carries none.
pub fn hint(status: &Status) -> Option<String> {
    let bytes = status.metadata().get_bin(HINT_KEY)?.to_bytes().ok()?;
    String::from_utf8(bytes.into()).ok()
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

    fn dialled(controller: &str, insecure: bool) -> Result<Dial, BadAddress> {
        let controller = controller.to_owned();
        Dial::reach(&Reach { controller, insecure, ..Reach::default() })
    }

    #[tokio::test]
    async fn a_token_goes_over_a_network_only_with_tls_or_by_permission() {
        let local = [
            "http://localhost:7070",
            "HTTP://127.0.0.1:7070",
            "127.9.9.9:1",
            "http://[::1]:1",
            "http://[::ffff:127.0.0.1]:1",
            "http://node.localhost:1",
        ];
        for good in local {
            assert!(dialled(good, false).is_ok(), "{good}");
        }
        for plain in ["http://head:7070", "head:7070", "10.0.0.7:7070", "http://localhost.de:1"] {
            let refused = dialled(plain, false).unwrap_err();
            assert_eq!(refused, BadAddress::Plain(plain.to_owned()));
            assert!(refused.hint().contains("--tls self-signed"), "{}", refused.hint());
            assert!(dialled(plain, true).is_ok(), "{plain}");
        }
        for bad in
            ["grpcs://head:7070", "ftp://head", "unix://socket", "http://", "://", "he ad:1", ""]
        {
            for insecure in [false, true] {
                assert_eq!(dialled(bad, insecure).unwrap_err(), BadAddress::Url(bad.to_owned()));
            }
        }
    }

    #[tokio::test]
    async fn a_fingerprint_is_checked_before_any_call() {
        let reach = |trust: &str| Reach {
            controller: "https://head:7070".to_owned(),
            trust: Some(trust.to_owned()),
            ..Reach::default()
        };
        let digits = "0".repeat(64);
        assert!(Dial::reach(&reach(&format!("sha256:{digits}"))).is_ok());
        let refused = Dial::reach(&reach("sha256:00")).unwrap_err();
        assert!(matches!(refused, BadAddress::Trust(_)), "{refused}");
        assert!(refused.hint().contains("BESOM_TRUST"), "{}", refused.hint());
    }

    #[tokio::test]
    async fn white_space_around_a_token_is_ignored() {
        let header = |token| Dial::new("localhost:7070", Some(token)).unwrap().bearer.0;
        assert_eq!(header(" hush\r\n").unwrap(), "Bearer hush");
        assert_eq!(header(" \n"), None);
        for bad in ["hü", "a\nb", "h\u{0}"] {
            assert_eq!(Dial::new("localhost:7070", Some(bad)).unwrap_err(), BadAddress::Token);
        }
    }
}
