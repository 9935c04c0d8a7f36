//! Decides which certificates of a controller a client accepts: those of the authorities that the
//! machine trusts, those of one authority in a file, or exactly one certificate by its fingerprint.
//! [`super::Dial`] uses it for `https://` addresses.

use std::{fmt, path::PathBuf, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore,
    SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{self, CryptoProvider},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
};
use sha2::{Digest as _, Sha256};

/// The prefix of a fingerprint.
pub(super) const SCHEME: &str = "sha256:";

/// The SHA-256 of a certificate in its DER form. Its text is `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Returns the fingerprint of a certificate.
    pub fn of(certificate: &CertificateDer<'_>) -> Self {
        Self(Sha256::digest(certificate).into())
    }

    /// Reads the hexadecimal digits, which colons may separate as `openssl x509` prints them.
    fn read(digits: &str) -> Option<Self> {
        let digits: Vec<u8> = digits.bytes().filter(|digit| *digit != b':').collect();
        if digits.len() != 64 {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(SCHEME)?;
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// The certificates that a client accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Trust {
    /// Those of the authorities that the machine trusts.
    Machine,
    /// Those of the authorities in this PEM file.
    Authorities(PathBuf),
    /// The certificate with this fingerprint, whatever names it has and whenever it ends.
    Pinned(Fingerprint),
}

/// Returns the settings of TLS for what the user trusts: `sha256:` and a fingerprint, or the path
/// of a PEM file with authorities. `None` and an empty text mean the authorities of the machine.
///
/// # Errors
/// Returns a sentence if the fingerprint is not valid, or the file cannot be read or has no
/// certificate.
pub(super) fn settings(trusted: Option<&str>) -> Result<ClientConfig, String> {
    let provider = Arc::new(crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let roots = match parse(trusted)? {
        Trust::Pinned(wanted) => {
            let pin = Arc::new(Pin { wanted, provider });
            let pinned = builder.dangerous().with_custom_certificate_verifier(pin);
            return Ok(with_http2(pinned.with_no_client_auth()));
        }
        Trust::Authorities(path) => authorities(&path)?,
        Trust::Machine => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            roots
        }
    };
    if roots.is_empty() {
        return Err("this machine trusts no certificate authority".to_owned());
    }
    Ok(with_http2(builder.with_root_certificates(roots).with_no_client_auth()))
}

fn with_http2(mut settings: ClientConfig) -> ClientConfig {
    settings.alpn_protocols = vec![b"h2".to_vec()];
    settings
}

fn parse(trusted: Option<&str>) -> Result<Trust, String> {
    let Some(text) = trusted.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(Trust::Machine);
    };
    let Some(digits) = text.strip_prefix(SCHEME) else {
        return Ok(Trust::Authorities(text.into()));
    };
    Fingerprint::read(digits)
        .map(Trust::Pinned)
        .ok_or_else(|| format!("`{text}` is no fingerprint: it needs 64 hexadecimal digits"))
}

fn authorities(path: &PathBuf) -> Result<RootCertStore, String> {
    let at = path.display();
    let mut roots = RootCertStore::empty();
    let found = CertificateDer::pem_file_iter(path);
    let found = found.map_err(|error| format!("cannot read `{at}`: {error}"))?;
    for certificate in found {
        let certificate = certificate.map_err(|error| format!("cannot read `{at}`: {error}"))?;
        roots.add(certificate).map_err(|error| format!("a certificate in `{at}`: {error}"))?;
    }
    match roots.is_empty() {
        true => Err(format!("`{at}` has no certificate in PEM form")),
        false => Ok(roots),
    }
}

/// Accepts one certificate. The handshake still proves that the controller has its key.
#[derive(Debug)]
struct Pin {
    wanted: Fingerprint,
    provider: Arc<CryptoProvider>,
}

/// The controller showed another certificate than the pinned one.
#[derive(Debug, thiserror::Error)]
#[error("its certificate is {found}, not {wanted}")]
struct Unpinned {
    found: Fingerprint,
    wanted: Fingerprint,
}

impl ServerCertVerifier for Pin {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let (found, wanted) = (Fingerprint::of(certificate), self.wanted);
        if found == wanted {
            return Ok(ServerCertVerified::assertion());
        }
        let unpinned = OtherError(Arc::new(Unpinned { found, wanted }));
        Err(CertificateError::Other(unpinned).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGITS: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    #[test]
    fn a_fingerprint_is_read_as_it_is_printed_and_as_openssl_prints_it() {
        let plain = format!("sha256:{DIGITS}");
        let Ok(Trust::Pinned(found)) = parse(Some(&plain)) else { panic!("it is a fingerprint") };
        assert_eq!(found.to_string(), plain);
        let pairs: Vec<String> = DIGITS
            .as_bytes()
            .chunks(2)
            .map(|pair| String::from_utf8_lossy(pair).to_uppercase())
            .collect();
        let openssl = format!(" sha256:{}\n", pairs.join(":"));
        assert_eq!(parse(Some(&openssl)), Ok(Trust::Pinned(found)));
        for bad in ["sha256:", "sha256:00", &format!("sha256:{}zz", &DIGITS[..62])] {
            assert!(parse(Some(bad)).unwrap_err().contains("64 hexadecimal digits"), "{bad}");
        }
    }

    #[test]
    fn a_file_of_authorities_must_be_there_and_hold_one() {
        assert_eq!(parse(None), Ok(Trust::Machine));
        assert_eq!(parse(Some(" ")), Ok(Trust::Machine));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let name = path.display().to_string();
        assert!(settings(Some(&name)).unwrap_err().starts_with(&format!("cannot read `{name}`")));
        std::fs::write(&path, "no certificate").unwrap();
        assert_eq!(
            settings(Some(&name)).unwrap_err(),
            format!("`{name}` has no certificate in PEM form")
        );
    }
}
