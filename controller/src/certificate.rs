//! Loads the certificate of the port from files, or makes one that signs itself and keeps it in the
//! database. So a restored backup has the certificate that agents already trust. `lib.rs` calls it
//! once, when the controller starts.

use std::{fs, net::SocketAddr, path::Path, sync::Arc};

use proto::dial::Fingerprint;
use rustls::{
    ServerConfig, crypto,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

use crate::{
    app::{App, Error},
    settings::Tls,
    start_error::StartError,
    store,
};

/// The facts of a data folder that hold the certificate and its key, in PEM form.
const FACTS: (&str, &str) = ("certificate", "certificate_key");
/// The file in the data folder with the certificate that signs itself, for clients that need a
/// file. Nothing reads it.
const FILE: &str = "certificate.pem";

/// A certificate with its key, ready for the port.
#[derive(Clone, Debug)]
pub(crate) struct Certificate {
    /// What the port shows to clients.
    pub(crate) settings: Arc<ServerConfig>,
    /// What clients can pin.
    pub(crate) fingerprint: Fingerprint,
}

impl Certificate {
    /// Loads or makes the certificate that the settings ask for. Fails if a file cannot be read, or
    /// the certificate and the key do not fit together.
    pub(crate) async fn load(app: &Arc<App>, tls: &Tls) -> Result<Self, StartError> {
        match tls {
            Tls::Files { certificate, key } => Self::of_files(certificate, key),
            Tls::SelfSigned => own(app).await,
        }
    }

    fn of_files(certificate: &Path, key: &Path) -> Result<Self, StartError> {
        let at = |path: &Path| {
            let file = path.to_owned();
            move |reason: String| StartError::Certificate { file, reason }
        };
        let chain = read(certificate).map_err(at(certificate))?;
        let secret = fs::read(key).map_err(|error| store::plain(&error)).map_err(at(key))?;
        let secret = PrivateKeyDer::from_pem_slice(&secret)
            .map_err(|error| format!("it holds no private key in PEM form: {error}"));
        Self::of(chain, secret.map_err(at(key))?).map_err(at(certificate))
    }

    fn of(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, String> {
        let first = chain.first().ok_or("it holds no certificate in PEM form")?;
        let fingerprint = Fingerprint::of(first);
        let provider = Arc::new(crypto::ring::default_provider());
        let settings = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key));
        let mut settings = settings.map_err(|error| error.to_string())?;
        // Agents speak HTTP/2. Browsers choose, and many scripts only speak HTTP/1.1.
        settings.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { settings: Arc::new(settings), fingerprint })
    }
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = fs::read(path).map_err(|error| store::plain(&error))?;
    certificates(&text)
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("it holds no certificate in PEM form: {error}"))
}

/// Returns the certificate that signs itself. Makes it at the first start, and writes a copy
/// without the key into the data folder.
async fn own(app: &Arc<App>) -> Result<Certificate, StartError> {
    let folder = app.settings.data.clone();
    let refused = |reason: String| StartError::Data { folder: folder.clone(), reason };
    let listen = app.settings.listen;
    let keep = move |tx: &store::Tx<'_>| -> Result<(Vec<u8>, Vec<u8>), Error> {
        let known = (store::facts::get(tx, FACTS.0)?, store::facts::get(tx, FACTS.1)?);
        if let (Some(certificate), Some(key)) = known {
            return Ok((certificate, key));
        }
        let made = make(listen).map_err(|error| Error::Bug(error.to_string()))?;
        store::facts::set(tx, FACTS.0, made.0.as_bytes())?;
        store::facts::set(tx, FACTS.1, made.1.as_bytes())?;
        Ok((made.0.into_bytes(), made.1.into_bytes()))
    };
    let kept = app.store().write(keep, |_| {}).await;
    let (certificate, key) = kept.map_err(|error: Error| refused(error.to_string()))?;
    let damaged = |reason: String| refused(format!("its certificate is damaged: {reason}"));
    let chain = certificates(&certificate).map_err(damaged)?;
    let secret = PrivateKeyDer::from_pem_slice(&key).map_err(|error| damaged(error.to_string()))?;
    let loaded = Certificate::of(chain, secret).map_err(damaged)?;
    let file = folder.join(FILE);
    if !fs::read(&file).is_ok_and(|there| there == certificate) {
        // Clients with the fingerprint do not need the file, so a full disk keeps none of them out.
        if let Err(error) = fs::write(&file, &certificate) {
            tracing::warn!("cannot write `{}`: {}", file.display(), store::plain(&error));
        }
    }
    Ok(loaded)
}

/// Makes a certificate for the names of this machine, and its key, both in PEM form. It ends in the
/// year 4096, because clients trust its fingerprint and not its dates. The key comes from the
/// operating system and not from [`crate::chance`], because no key may follow from a seed.
fn make(listen: SocketAddr) -> Result<(String, String), rcgen::Error> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let machine = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let address = listen.ip().to_canonical();
    names.extend(Some(machine).filter(|name| !name.is_empty() && name.is_ascii()));
    names.extend(Some(address).filter(|ip| !ip.is_unspecified()).map(|ip| ip.to_string()));
    names.dedup();
    let key = rcgen::KeyPair::generate()?;
    let certificate = rcgen::CertificateParams::new(names)?.self_signed(&key)?;
    Ok((certificate.pem(), key.serialize_pem()))
}
