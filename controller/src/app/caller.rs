//! Identifies the caller of a use case, and what the caller may do. Use cases take the [`Caller`],
//! which the handlers in `api` get from a token. A run token holds the run's id, the attempt, and a
//! keyed hash of both as a proof. So the controller stores no run tokens. `app::runs::lookup`
//! refuses a run token after its attempt has ended and a grace period has passed.

use super::error::{Error, Why};

/// The caller of a use case, as a token identifies the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The administrator, who may do everything.
    Admin,
    /// The program of a run, or its agent on its behalf. This caller may read this run and write as
    /// this attempt, and nothing else.
    Run {
        /// The run's id.
        run: String,
        /// The number of the attempt that the token was made for.
        attempt: u32,
    },
}

impl Caller {
    /// Passes if the caller is the administrator.
    ///
    /// # Errors
    /// Refuses the token of a run.
    pub(crate) fn admin(&self) -> Result<(), Error> {
        match self {
            Caller::Admin => Ok(()),
            Caller::Run { run, .. } => Err(Error::refused(
                Why::Forbidden,
                format!("this token opens the run `{run}` and nothing else"),
            )),
        }
    }

    /// Passes if the caller may use this run.
    ///
    /// # Errors
    /// Refuses the token of another run.
    pub(crate) fn run(&self, run: &str) -> Result<(), Error> {
        match self {
            Caller::Run { run: own, .. } if own != run => self.admin(),
            _ => Ok(()),
        }
    }

    /// Passes if the caller may write as this attempt of this run.
    ///
    /// # Errors
    /// Refuses the token of another run, or of another attempt of this run.
    pub(crate) fn attempt(&self, run: &str, attempt: u32) -> Result<(), Error> {
        self.run(run)?;
        match self {
            Caller::Run { attempt: own, .. } if *own != attempt => Err(Error::refused(
                Why::Forbidden,
                format!("this token opens attempt {own} of the run `{run}`, not attempt {attempt}"),
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

    /// Returns the token for this attempt of this run, which gives no other rights.
    pub(crate) fn of_run(&self, run: &str, attempt: u32) -> String {
        let proof = self.proof(run, attempt).to_hex();
        format!("run.{run}.{attempt}.{proof}")
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
        self.run_of(token).ok_or_else(|| unknown("the controller does not know this token"))
    }

    fn run_of(&self, token: &str) -> Option<Caller> {
        let (run, rest) = token.strip_prefix("run.")?.split_once('.')?;
        let (attempt, proof) = rest.split_once('.')?;
        let proof = blake3::Hash::from_hex(proof).ok()?;
        let attempt = attempt.parse().ok()?;
        (self.proof(run, attempt) == proof).then(|| Caller::Run { run: run.to_owned(), attempt })
    }

    fn proof(&self, run: &str, attempt: u32) -> blake3::Hash {
        blake3::keyed_hash(&self.key, format!("{run}.{attempt}").as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_token_opens_its_run_only() {
        let tokens = Tokens::new(Some("hush"), b"");
        let token = tokens.of_run("abcdefgh-7", 2);
        let caller = tokens.caller(Some(&token)).unwrap();
        assert_eq!(caller, Caller::Run { run: "abcdefgh-7".to_owned(), attempt: 2 });
        assert!(caller.run("abcdefgh-7").is_ok());
        assert!(caller.run("abcdefgh-8").is_err());
        assert!(caller.attempt("abcdefgh-7", 2).is_ok());
        assert!(caller.attempt("abcdefgh-7", 1).is_err());
        assert!(caller.attempt("abcdefgh-8", 2).is_err());
        assert!(caller.admin().is_err());
    }

    #[test]
    fn forged_and_foreign_tokens_open_nothing() {
        let tokens = Tokens::new(Some("hush"), b"");
        assert_eq!(tokens.caller(Some("hush")), Ok(Caller::Admin));
        let forged = tokens.of_run("a-1", 1).replace("run.a-1.1.", "run.a-2.1.");
        let foreign = Tokens::new(Some("other"), b"").of_run("a-1", 1);
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
