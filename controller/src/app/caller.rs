//! Identifies the caller of a use case, and decides what the caller may do. Use cases take the
//! [`Caller`], which the handlers in `api` get from a token. A run token holds the run's id, the
//! attempt, and a keyed hash of both as a proof. So the controller stores no run tokens.
//! `app::runs::lookup` refuses a run token whose attempt has been over for longer than the grace of
//! late rows.

use record::ids::{Attempt, RunId};

use super::error::{Error, Why};

/// The caller of a use case, as a token identifies the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The administrator, who may do everything.
    Admin,
    /// The program of a run, or its agent on its behalf. This caller may read this run and the
    /// artifacts of its project, and write as this attempt. It may do nothing else.
    Run(Attempt),
}

impl Caller {
    /// Passes if the caller is the administrator.
    ///
    /// # Errors
    /// Refuses the token of a run.
    pub(crate) fn admin(&self) -> Result<(), Error> {
        match self {
            Caller::Admin => Ok(()),
            Caller::Run(own) => Err(Error::refused(
                Why::Forbidden,
                format!("this token opens the run `{}` and nothing else", own.run),
            )),
        }
    }

    /// Passes if the caller may read this run.
    ///
    /// # Errors
    /// Refuses the token of another run.
    pub(crate) fn run(&self, run: &RunId) -> Result<(), Error> {
        match self {
            Caller::Run(own) if own.run != *run => self.admin(),
            _ => Ok(()),
        }
    }

    /// Passes if the caller may write as this attempt.
    ///
    /// # Errors
    /// Refuses the token of another run, or of another attempt of the same run.
    pub(crate) fn attempt(&self, attempt: &Attempt) -> Result<(), Error> {
        let Attempt { run, number } = attempt;
        self.run(run)?;
        match self {
            Caller::Run(Attempt { number: own, .. }) if own != number => Err(Error::refused(
                Why::Forbidden,
                format!("this token opens attempt {own} of the run `{run}`, not attempt {number}"),
            )),
            _ => Ok(()),
        }
    }
}

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
    /// Makes the tokens of a controller. A caller with the token `admin` may do everything. If
    /// `admin` is `None`, every caller is the administrator. The key of run tokens comes from
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

    /// Returns the caller that a token belongs to.
    ///
    /// # Errors
    /// Refuses the call if the controller requires a token and `token` is absent or unknown.
    pub(crate) fn caller(&self, token: Option<&str>) -> Result<Caller, Error> {
        let Some(admin) = &self.admin else { return Ok(Caller::Admin) };
        let unknown = |message: &str| {
            Error::refused(Why::Unknown, message)
                .hint("set BESOM_TOKEN to the token that the controller was started with")
        };
        let token = token.ok_or_else(|| unknown("the controller requires a token"))?;
        // Comparing two BLAKE3 hashes takes constant time. So the delay of the answer reveals
        // nothing about the token.
        if blake3::hash(token.as_bytes()) == *admin {
            return Ok(Caller::Admin);
        }
        self.attempt_of(token)
            .map(Caller::Run)
            .ok_or_else(|| unknown("the controller does not know this token"))
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
    use super::*;

    #[test]
    fn a_run_token_opens_its_run_only() {
        let tokens = Tokens::new(Some("hush"), b"");
        let own = Attempt::new("abcdefgh-7", 2);
        let caller = tokens.caller(Some(&tokens.of(&own))).unwrap();
        assert_eq!(caller, Caller::Run(own.clone()));
        assert!(caller.run(&own.run).is_ok());
        assert!(caller.run(&RunId::from("abcdefgh-8")).is_err());
        assert!(caller.attempt(&own).is_ok());
        assert!(caller.attempt(&Attempt::new("abcdefgh-7", 1)).is_err());
        assert!(caller.attempt(&Attempt::new("abcdefgh-8", 2)).is_err());
        assert!(caller.admin().is_err());
    }

    #[test]
    fn forged_and_foreign_tokens_open_nothing() {
        let tokens = Tokens::new(Some("hush"), b"");
        assert_eq!(tokens.caller(Some("hush")), Ok(Caller::Admin));
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
            assert!(tokens.caller(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn without_an_admin_token_every_caller_is_an_administrator() {
        let tokens = Tokens::new(None, b"secret");
        assert_eq!(tokens.caller(None), Ok(Caller::Admin));
        assert_eq!(tokens.caller(Some("anything")), Ok(Caller::Admin));
    }
}
