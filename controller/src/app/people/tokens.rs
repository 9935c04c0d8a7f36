//! Makes and checks tokens and keys. A run token holds the run's id, the attempt, and a keyed hash
//! of both as a proof. So the controller stores no run tokens. `app::runs::lookup` refuses a run
//! token whose attempt has been over for longer than the grace of late rows. The roster knows the
//! keys of users.
//!
//! W&B's client accepts a run token as its key. All its versions take letters, digits, `_` and one
//! `-`, which 40 characters follow.

use record::{file::hex, ids::Attempt};

use super::{caller::Caller, roster::Roster};
use crate::app::error::{Error, Why};

/// The beginning of every key, by which scanners for leaked secrets find it. The wandb client wants
/// 40 letters and digits after the dash.
pub(super) const PREFIX: &str = "besom-";

/// The bytes of the proof in a run token.
const PROOF_BYTES: usize = 20;

/// Makes and checks tokens.
#[derive(Clone)]
pub(crate) struct Tokens {
    admin: Option<blake3::Hash>,
    key: [u8; 32],
    /// The key of the signatures of addresses.
    addresses: [u8; 32],
    /// The key of the hashes of the administrator's sessions, so that these end with the token.
    sessions: Option<[u8; 32]>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}

impl Tokens {
    /// Makes the tokens of a controller. A caller with the token `admin` may do everything. Without
    /// it and without users, every caller is the administrator. The key of run tokens comes from
    /// `admin`, or from the data folder's `secret` if `admin` is `None`.
    pub(crate) fn new(admin: Option<&str>, secret: &[u8]) -> Self {
        let material = admin.map_or(secret, str::as_bytes);
        let key = blake3::derive_key("besom 2026 token of a run", material);
        Self {
            admin: admin.map(|token| blake3::hash(token.as_bytes())),
            key,
            addresses: blake3::derive_key("besom 2026 signature of an address", &key),
            sessions: admin.map(|token| {
                blake3::derive_key("besom 2026 session of the administrator", token.as_bytes())
            }),
        }
    }

    /// Returns the token of this attempt, with which its program and its agent call the controller.
    pub(crate) fn of(&self, attempt: &Attempt) -> String {
        let Attempt { run, number } = attempt;
        format!("run_{}_{number}-{}", hex(run.as_str().as_bytes()), self.proof(attempt))
    }

    /// Returns whether every caller is the administrator, because there is no token and no user.
    pub(crate) fn is_open(&self, roster: &Roster) -> bool {
        self.admin.is_none() && !roster.has_users()
    }

    /// Returns the caller that a token or key belongs to. `now_ms` is the time in milliseconds
    /// since the epoch.
    ///
    /// # Errors
    /// Refuses the call if the controller requires a token or key, and `token` is absent, unknown
    /// or a key that has expired.
    pub(crate) fn caller(
        &self,
        roster: &Roster,
        token: Option<&str>,
        now_ms: i64,
    ) -> Result<Caller, Error> {
        if self.is_open(roster) {
            return Ok(Caller::Admin);
        }
        let unknown = |message: &str| {
            Error::refused(Why::Unknown, message).hint(
                "set BESOM_TOKEN to the token that the controller was started with, or to a key",
            )
        };
        let token = token.ok_or_else(|| unknown("the controller requires a token or a key"))?;
        // Comparing two BLAKE3 hashes takes constant time, and a table of hashes tells nothing
        // about the keys. So the delay of the answer reveals nothing about a token or key.
        let hash = blake3::hash(token.as_bytes());
        if Some(hash) == self.admin {
            return Ok(Caller::Admin);
        }
        match roster.caller(&hash, now_ms) {
            Some(Ok(person)) => Ok(Caller::Person(person)),
            Some(Err(_)) => Err(Error::refused(Why::Unknown, "this key has expired")
                .hint("`sweep key add` makes a new one, with another key that is still valid")),
            None => self.attempt_of(token).map(Caller::Run).ok_or_else(|| {
                match token.starts_with(PREFIX) {
                    true => unknown(
                        "the controller does not know this key: it was revoked, or a part of it is \
                         missing",
                    ),
                    false => unknown("the controller does not know this token or key"),
                }
            }),
        }
    }

    /// Returns the hash of a new session, of the administrator or of a user.
    ///
    /// # Errors
    /// Fails with [`Error::Bug`] if the controller has no token that could open a session.
    pub(super) fn hash_of_session(
        &self,
        secret: &str,
        is_admins: bool,
    ) -> Result<blake3::Hash, Error> {
        if !is_admins {
            return Ok(blake3::hash(secret.as_bytes()));
        }
        let key = self.sessions.ok_or_else(|| Error::Bug("no token opens a session".to_owned()))?;
        Ok(blake3::keyed_hash(&key, secret.as_bytes()))
    }

    /// Returns the hashes that a session with this secret can have: as a user's, and as the
    /// administrator's.
    pub(super) fn hashes_of_session(&self, secret: &str) -> Vec<blake3::Hash> {
        [false, true].iter().filter_map(|own| self.hash_of_session(secret, *own).ok()).collect()
    }

    /// Returns the signature of a text, with which the controller knows its own texts again: 40
    /// hexadecimal digits.
    pub(in crate::app) fn sign(&self, text: &str) -> String {
        proof(&self.addresses, text)
    }

    fn attempt_of(&self, token: &str) -> Option<Attempt> {
        let (of, proof) = token.strip_prefix("run_")?.split_once('-')?;
        let (run, number) = of.split_once('_')?;
        let attempt = Attempt::new(unhex(run)?, number.parse().ok()?);
        is_same(&self.proof(&attempt), proof).then_some(attempt)
    }

    /// Returns the proof that an attempt's token is of this controller: 40 hexadecimal digits.
    fn proof(&self, attempt: &Attempt) -> String {
        let Attempt { run, number } = attempt;
        proof(&self.key, &format!("{run}.{number}"))
    }
}

/// Returns the proof that someone with this key has written a text: 40 hexadecimal digits.
fn proof(key: &[u8; 32], text: &str) -> String {
    hex(&blake3::keyed_hash(key, text.as_bytes()).as_bytes()[..PROOF_BYTES])
}

/// Compares two secrets in a time that does not depend on them.
pub(in crate::app) fn is_same(one: &str, other: &str) -> bool {
    // The comparison of two hashes takes constant time.
    blake3::hash(one.as_bytes()) == blake3::hash(other.as_bytes())
}

/// Returns the text whose bytes these hexadecimal digits are; `None` if they are no text.
fn unhex(digits: &str) -> Option<String> {
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    String::from_utf8(digits.as_bytes().chunks(2).map(pair).collect::<Option<_>>()?).ok()
}

#[cfg(test)]
mod tests {
    use record::ids::RunId;

    use super::*;
    use crate::app::people::caller::Right;

    fn caller(tokens: &Tokens, token: Option<&str>) -> Result<Caller, Error> {
        tokens.caller(&Roster::default(), token, 0)
    }

    #[test]
    fn a_run_token_opens_its_run_only() {
        let tokens = Tokens::new(Some("hush"), b"");
        let own = Attempt::new("abcdefgh-7", 2);
        let caller = caller(&tokens, Some(&tokens.of(&own))).unwrap();
        assert_eq!(caller, Caller::Run(own.clone()));
        assert!(caller.run(&own.run).is_ok());
        assert!(caller.run(&RunId::from("abcdefgh-8")).is_err());
        assert!(caller.attempt(&own).is_ok());
        assert!(caller.attempt(&Attempt::new("abcdefgh-7", 1)).is_err());
        assert!(caller.attempt(&Attempt::new("abcdefgh-8", 2)).is_err());
        assert!(caller.admits(Right::See).is_err());
    }

    #[test]
    fn a_run_token_has_the_form_of_a_key_of_wandb() {
        let token = Tokens::new(Some("hush"), b"").of(&Attempt::new("my-run_é", 12));
        let (_, secret) = token.split_once('-').unwrap();
        assert_eq!(secret.len(), 40);
        let is_free = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        assert!(token.bytes().all(is_free), "{token}");
    }

    #[test]
    fn forged_and_foreign_tokens_open_nothing() {
        let tokens = Tokens::new(Some("hush"), b"");
        assert_eq!(caller(&tokens, Some("hush")), Ok(Caller::Admin));
        let attempt = Attempt::new("a-1", 1);
        let forged = tokens.of(&attempt).replace("run_612d31_1-", "run_612d32_1-");
        assert_ne!(forged, tokens.of(&attempt));
        let foreign = Tokens::new(Some("other"), b"").of(&attempt);
        for bad in [
            None,
            Some(""),
            Some("Hush"),
            Some("run_612d31_1-"),
            Some("run_612d3_1-"),
            Some("run_ff_1-"),
            Some(forged.as_str()),
            Some(foreign.as_str()),
        ] {
            assert!(caller(&tokens, bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn without_an_admin_token_every_caller_is_an_administrator() {
        let tokens = Tokens::new(None, b"secret");
        assert_eq!(caller(&tokens, None), Ok(Caller::Admin));
        assert_eq!(caller(&tokens, Some("anything")), Ok(Caller::Admin));
    }
}
