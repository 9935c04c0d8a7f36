//! Stores the passwords of users and the sessions of browsers. `app::people` calls it and decides
//! what they open. Both are stored only as hashes. Every function fails only if the database does.

use super::database::{Result, Row, Tx, columns};

/// A session of a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    /// The hash of the session's secret, 32 bytes. The secret is random, so a fast hash suffices.
    pub(crate) hash: Vec<u8>,
    /// The user's name; `None` if the controller's own token opened the session.
    pub(crate) user: Option<String>,
    /// The id of the key that opened the session; `None` if no key did.
    pub(crate) key: Option<String>,
    /// When the session was opened, in milliseconds since the epoch.
    pub(crate) created_ms: i64,
    /// About when the session was used last, in milliseconds since the epoch.
    pub(crate) used_ms: i64,
    /// When the session ends at the latest, in milliseconds since the epoch.
    pub(crate) expires_ms: i64,
}

/// Reads the hashes of all passwords, as pairs of a user's name and a PHC string.
pub(crate) fn passwords(tx: &Tx<'_>) -> Result<Vec<(String, String)>> {
    tx.all("SELECT user, hash FROM passwords", &[], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Writes the hash of a user's password, in place of the one that the user has.
pub(crate) fn set_password(tx: &Tx<'_>, user: &str, hash: &str, now_ms: i64) -> Result<()> {
    tx.run(
        "INSERT OR REPLACE INTO passwords (user, hash, set_ms) VALUES (?1, ?2, ?3)",
        &[&user, &hash, &now_ms],
    )?;
    Ok(())
}

columns! {
    /// Reads a session.
    macro session_columns, fn read_session() -> Session {
        hash: get, user: get, key: get, created_ms: get, used_ms: get, expires_ms: get,
    } => Session { hash, user, key, created_ms, used_ms, expires_ms }
}

/// Reads all sessions. The one that was used least recently comes first.
pub(crate) fn all(tx: &Tx<'_>) -> Result<Vec<Session>> {
    let sql = concat!("SELECT ", session_columns!(), " FROM sessions ORDER BY used_ms, hash");
    tx.all(sql, &[], read_session)
}

/// Adds a session.
pub(crate) fn add(tx: &Tx<'_>, session: &Session) -> Result<()> {
    let Session { hash, user, key, created_ms, used_ms, expires_ms } = session;
    tx.run(
        "INSERT INTO sessions (hash, user, key, created_ms, used_ms, expires_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        &[hash, user, key, created_ms, used_ms, expires_ms],
    )?;
    Ok(())
}

/// Notes when a session was used last.
pub(crate) fn note_use(tx: &Tx<'_>, hash: &[u8], used_ms: i64) -> Result<()> {
    tx.run("UPDATE sessions SET used_ms = ?2 WHERE hash = ?1", &[&hash, &used_ms])?;
    Ok(())
}

/// Removes a session, if it is there.
pub(crate) fn remove(tx: &Tx<'_>, hash: &[u8]) -> Result<()> {
    tx.run("DELETE FROM sessions WHERE hash = ?1", &[&hash])?;
    Ok(())
}

/// Removes the sessions of a user, whatever opened them.
pub(crate) fn remove_of_user(tx: &Tx<'_>, user: &str) -> Result<()> {
    tx.run("DELETE FROM sessions WHERE user = ?1", &[&user])?;
    Ok(())
}
