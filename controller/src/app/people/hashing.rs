//! Hashes passwords by Argon2id. A hash takes much memory and time, so only a few passwords are
//! hashed at once, and few wait. `app::people::passwords` calls this module.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{
        Error as Failed, PasswordHasher as _, PasswordVerifier as _, Result as Hashed,
        phc::PasswordHash,
    },
};
use tokio::sync::Semaphore;

use crate::{app::error::Error, platform::Threads, settings::Limits};

/// The memory in KiB and the passes of a hash, as OWASP advises for Argon2id with one lane.
const COST: (u32, u32) = (19 * 1024, 2);
/// The bytes of a salt.
const SALT: usize = 16;

/// The passwords that are being hashed, and those that wait.
#[derive(Debug)]
pub(in crate::app) struct Hashing {
    threads: Threads,
    at_once: Arc<Semaphore>,
    queue: Semaphore,
}

impl Hashing {
    pub(in crate::app) fn new(limits: &Limits, threads: Threads) -> Self {
        Self {
            threads,
            at_once: Arc::new(Semaphore::new(limits.hashing)),
            queue: Semaphore::new(limits.hashing + limits.hashing_queue),
        }
    }

    /// Hashes a password with a salt from this secret. Returns a PHC string.
    ///
    /// # Errors
    /// Fails with [`Error::Busy`] if too many passwords wait.
    pub(super) async fn hash(&self, password: String, secret: [u8; 32]) -> Result<String, Error> {
        self.in_turn(move || hash(&password, &secret[..SALT])).await
    }

    /// Returns whether this PHC string is a hash of the password.
    ///
    /// # Errors
    /// Fails with [`Error::Busy`] if too many passwords wait.
    pub(super) async fn verify(&self, password: String, hash: String) -> Result<bool, Error> {
        self.in_turn(move || verify(&password, &hash)).await
    }

    /// Does this work when it is its turn, outside of the async threads.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Hashed<T> + Send + 'static,
    ) -> Result<T, Error> {
        let failed = |error: &dyn std::fmt::Display| Error::Bug(format!("hashing failed: {error}"));
        let Ok(_place) = self.queue.try_acquire() else {
            return Err(Error::busy("too many passwords wait to be checked")
                .hint("try again in a few seconds"));
        };
        let permit =
            self.at_once.clone().acquire_owned().await.map_err(|closed| failed(&closed))?;
        let hashing = self.threads.run(move || {
            // The work keeps its permit until it ends, even if the caller no longer waits.
            let _permit = permit;
            work()
        });
        hashing.await.map_err(|error| failed(&error))?.map_err(|error| failed(&error))
    }
}

fn argon2() -> Hashed<Argon2<'static>> {
    let params = Params::new(COST.0, COST.1, 1, None)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &str, salt: &[u8]) -> Hashed<String> {
    let hash: PasswordHash = argon2()?.hash_password_with_salt(password.as_bytes(), salt)?;
    Ok(hash.to_string())
}

fn verify(password: &str, hash: &str) -> Hashed<bool> {
    match argon2()?.verify_password(password.as_bytes(), &PasswordHash::new(hash)?) {
        Ok(()) => Ok(true),
        Err(Failed::PasswordInvalid) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_argon2id_with_the_costs_that_owasp_advises() {
        let text = hash("correct horse", &[7; SALT]).unwrap();
        assert!(text.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{text}");
        assert!(verify("correct horse", &text).unwrap());
        assert!(!verify("correct horsf", &text).unwrap());
        assert!(verify("correct horse", "no hash").is_err());
    }
}
