//! Makes and checks tokens and keys. A run token holds the run's id, the attempt, and a keyed hash
//! of both as a proof. So the controller stores no run tokens. `app::runs::lookup` refuses a run
//! token whose attempt has been over for longer than the grace of late rows. The roster knows the
//! keys of users.

use record::ids::Attempt;

use super::{caller::Caller, roster::Roster};
use crate::app::error::{Error, Why};

/// Makes and checks tokens.
#[derive(Clone)]
pub(crate) struct Tokens {
    admin: Option<blake3::Hash>,
    key: [u8; 32],
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
        Self {
            admin: admin.map(|token| blake3::hash(token.as_bytes())),
            key: blake3::derive_key("besom 2026 token of a run", material),
        }
    }

    /// Returns the token of this attempt, with which its program and its agent call the controller.
    pub(crate) fn of(&self, attempt: &Attempt) -> String {
        let Attempt { run, number } = attempt;
        format!("run.{run}.{number}.{}", self.proof(attempt).to_hex())
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
        if self.admin.is_none() && !roster.has_users() {
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
            None => self
                .attempt_of(token)
                .map(Caller::Run)
                .ok_or_else(|| unknown("the controller does not know this token or key")),
        }
    }

    fn attempt_of(&self, token: &str) -> Option<Attempt> {
        let (run, rest) = token.strip_prefix("run.")?.split_once('.')?;
        let (number, proof) = rest.split_once('.')?;
        let proof = blake3::Hash::from_hex(proof).ok()?;
        let attempt = Attempt::new(run, number.parse().ok()?);
        (self.proof(&attempt) == proof).then_some(attempt)
    }

    fn proof(&self, attempt: &Attempt) -> blake3::Hash {
        let Attempt { run, number } = attempt;
        blake3::keyed_hash(&self.key, format!("{run}.{number}").as_bytes())
    }
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
    fn forged_and_foreign_tokens_open_nothing() {
        let tokens = Tokens::new(Some("hush"), b"");
        assert_eq!(caller(&tokens, Some("hush")), Ok(Caller::Admin));
        let attempt = Attempt::new("a-1", 1);
        let forged = tokens.of(&attempt).replace("run.a-1.1.", "run.a-2.1.");
        let foreign = Tokens::new(Some("other"), b"").of(&attempt);
        for bad in [
            None,
            Some(""),
            Some("Hush"),
            Some("run.a-1.1."),
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
