//! Removes deleted runs and sweeps for good, in steps of bounded size. `app::bin` calls it. A purge
//! can be cut off after every transaction: what is left in the bin says what is left to do. Every
//! function fails only if the database does.

use record::ids::SweepId;

use super::{
    columns,
    database::{Param, Result, Tx, int},
};

/// How much one transaction may still remove.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// The number of rows.
    pub(crate) rows: usize,
    /// The bytes of blocks, configs and summaries.
    pub(crate) bytes: u64,
}

/// The number of rows that the fixed part of a run's purge counts as.
const RUN_ROWS: usize = 8;

/// Returns the internal key of a run that was deleted before `before_ms` and is not purged yet.
pub(crate) fn due_run(tx: &Tx<'_>, before_ms: i64) -> Result<Option<i64>> {
    let sql = "SELECT run FROM bin_runs WHERE purged < 2 AND deleted_ms < ?1 ORDER BY deleted_ms \
        LIMIT 1";
    tx.one(sql, &[&before_ms], |row| row.get(0))
}

/// Returns a sweep that was deleted before `before_ms`.
pub(crate) fn due_sweep(tx: &Tx<'_>, before_ms: i64) -> Result<Option<SweepId>> {
    let sql = "SELECT sweep FROM bin_sweeps WHERE deleted_ms < ?1 ORDER BY deleted_ms LIMIT 1";
    tx.one(sql, &[&before_ms], |row| row.get(0))
}

/// Removes what belongs to a deleted run, as far as there is room. Returns whether all of it is
/// gone. Of a trial whose sweep stays, the row stays with what the search needs: parameters, value
/// and state. From the first call on, the run cannot be restored.
pub(crate) fn run(tx: &Tx<'_>, key: i64, now_ms: i64, room: &mut Room) -> Result<bool> {
    tx.run("UPDATE bin_runs SET purged = 1 WHERE run = ?1 AND purged = 0", &[&key])?;
    room.rows = room.rows.saturating_sub(RUN_ROWS);
    if !belongings(tx, key, room)? {
        return Ok(false);
    }
    let stays = tx.one(
        "SELECT 1 FROM runs WHERE key = ?1 AND sweep IS NOT NULL
             AND sweep NOT IN (SELECT sweep FROM bin_sweeps)",
        &[&key],
        |_| Ok(()),
    )?;
    if stays.is_some() {
        let forget = "UPDATE runs SET name = '', tags = '[]', message = NULL, note = NULL
                      WHERE key = ?1 RETURNING octet_length(config)";
        let rewritten = room.drops(tx, forget, key)?;
        tx.rewrote(usize::try_from(rewritten).unwrap_or(usize::MAX));
        tx.run("UPDATE bin_runs SET purged = 2 WHERE run = ?1", &[&key])?;
        return Ok(true);
    }
    let rungs = "DELETE FROM rungs WHERE key IN (SELECT key FROM rungs WHERE run = ?1 LIMIT ?2)";
    let events = "DELETE FROM events WHERE number IN (
                      SELECT number FROM events
                      WHERE sweep IS NULL AND run = (SELECT id FROM runs WHERE key = ?1) LIMIT ?2)";
    if !room.empties(tx, rungs, key)? || !room.empties(tx, events, key)? {
        return Ok(false);
    }
    tx.run(
        "INSERT INTO gone_runs (run, id, purged_ms) SELECT key, id, ?2 FROM runs WHERE key = ?1",
        &[&key, &now_ms],
    )?;
    tx.run("DELETE FROM bin_runs WHERE run = ?1", &[&key])?;
    let row = "DELETE FROM runs WHERE key = ?1 RETURNING octet_length(config)";
    room.drops(tx, row, key)?;
    Ok(true)
}

/// Removes the rows of a run in the other tables. Those of the lineage of artifacts stay.
fn belongings(tx: &Tx<'_>, key: i64, room: &mut Room) -> Result<bool> {
    loop {
        if room.rows == 0 || room.bytes == 0 {
            return Ok(false);
        }
        let (blocks, bytes) = columns::remove(tx, key, room.rows, room.bytes)?;
        room.rows = room.rows.saturating_sub(blocks);
        room.bytes = room.bytes.saturating_sub(bytes);
        if blocks == 0 {
            break;
        }
    }
    for many in [
        "DELETE FROM files WHERE run = ?1 AND (path, attempt) IN (
             SELECT path, attempt FROM files WHERE run = ?1 LIMIT ?2)",
        "DELETE FROM checkpoint_ends WHERE (checkpoint, stream, writer) IN (
             SELECT checkpoint, stream, writer FROM checkpoint_ends
             WHERE checkpoint IN (SELECT key FROM checkpoints WHERE run = ?1) LIMIT ?2)",
        "DELETE FROM checkpoints WHERE key IN (
             SELECT key FROM checkpoints WHERE run = ?1 LIMIT ?2)",
        "DELETE FROM begins WHERE idempotency_key IN (
             SELECT idempotency_key FROM begins
             WHERE run = (SELECT id FROM runs WHERE key = ?1) LIMIT ?2)",
        "DELETE FROM failures WHERE run = ?1 AND attempt IN (
             SELECT attempt FROM failures WHERE run = ?1 LIMIT ?2)",
        "DELETE FROM attempt_slots WHERE run = ?1 AND attempt IN (
             SELECT attempt FROM attempt_slots WHERE run = ?1 LIMIT ?2)",
        "DELETE FROM resumes WHERE run = ?1 AND attempt IN (
             SELECT attempt FROM resumes WHERE run = ?1 LIMIT ?2)",
        "DELETE FROM fresh_starts WHERE run = ?1 AND attempt IN (
             SELECT attempt FROM fresh_starts WHERE run = ?1 LIMIT ?2)",
        "DELETE FROM prior_runs WHERE run = ?1 AND sweep IN (
             SELECT sweep FROM prior_runs WHERE run = ?1 LIMIT ?2)",
    ] {
        if !room.empties(tx, many, key)? {
            return Ok(false);
        }
    }
    for one in [
        "DELETE FROM summaries WHERE run = ?1
             RETURNING length(latest) + length(overlay) + length(ranges)",
        "DELETE FROM about WHERE run = ?1
             RETURNING octet_length(added) + octet_length(code) + octet_length(client)",
        "DELETE FROM printed WHERE run = ?1 RETURNING octet_length(note)",
        "DELETE FROM run_bytes WHERE run = ?1 RETURNING 0",
    ] {
        room.drops(tx, one, key)?;
    }
    Ok(true)
}

impl Room {
    /// Runs a statement that removes one row of the run `?1`, or changes it, and returns the row's
    /// bytes. Returns these bytes too.
    fn drops(&mut self, tx: &Tx<'_>, sql: &'static str, run: i64) -> Result<u64> {
        let bytes = tx.one(sql, &[&run], |row| row.count(0))?.unwrap_or_default();
        self.bytes = self.bytes.saturating_sub(bytes);
        Ok(bytes)
    }

    /// Runs a statement that removes at most `?2` rows of the run or sweep `?1`. Returns whether it
    /// has left none.
    fn empties(&mut self, tx: &Tx<'_>, sql: &'static str, of: impl Param) -> Result<bool> {
        let gone = tx.run(sql, &[&of, &int(self.rows as u64)?])?;
        self.rows -= gone.min(self.rows);
        Ok(self.rows > 0)
    }
}

/// Removes a deleted sweep with its trials, as far as there is room. Returns whether all of it is
/// gone. From the first call on, the sweep cannot be restored.
pub(crate) fn sweep(tx: &Tx<'_>, id: &SweepId, now_ms: i64, room: &mut Room) -> Result<bool> {
    tx.run("UPDATE bin_sweeps SET purged = 1 WHERE sweep = ?1", &[&id.as_str()])?;
    let next = "SELECT key FROM runs WHERE sweep = ?1 ORDER BY trial LIMIT 1";
    while let Some(trial) = tx.one(next, &[&id.as_str()], |row| row.get(0))? {
        if !run(tx, trial, now_ms, room)? {
            return Ok(false);
        }
    }
    for many in [
        "DELETE FROM events WHERE number IN (
             SELECT number FROM events WHERE sweep = ?1 LIMIT ?2)",
        "DELETE FROM prior_runs WHERE sweep = ?1 AND run IN (
             SELECT run FROM prior_runs WHERE sweep = ?1 LIMIT ?2)",
        "DELETE FROM raises WHERE sweep = ?1 AND idempotency_key IN (
             SELECT idempotency_key FROM raises WHERE sweep = ?1 LIMIT ?2)",
        "DELETE FROM queued_points WHERE key IN (
             SELECT key FROM queued_points WHERE sweep = ?1 LIMIT ?2)",
        // These runs are no trials of the sweep, so they stay.
        "UPDATE about SET joined = NULL WHERE run IN (
             SELECT run FROM about WHERE joined = ?1 LIMIT ?2)",
    ] {
        if !room.empties(tx, many, id.as_str())? {
            return Ok(false);
        }
    }
    for one in [
        "DELETE FROM earlier WHERE sweep = ?1",
        "DELETE FROM progress WHERE sweep = ?1",
        "DELETE FROM bin_sweeps WHERE sweep = ?1",
        "DELETE FROM sweeps WHERE id = ?1",
    ] {
        tx.run(one, &[&id.as_str()])?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use record::{ids::RunId, stream::StreamName};
    use sweeps::lifecycle::run::State;
    use tempfile::TempDir;

    use super::*;
    use crate::{
        settings::Limits,
        store::{
            Store, bin,
            blocks::{self, Stream},
            runs::{self, Run},
        },
    };

    /// What has to be there whenever the controller is killed: nothing without its owner.
    const ORPHANS: &str = "
        SELECT (SELECT count(*) FROM blocks WHERE run NOT IN (SELECT key FROM runs))
             + (SELECT count(*) FROM heads WHERE block NOT IN (SELECT key FROM blocks))
             + (SELECT count(*) FROM parts WHERE key / 2097152 NOT IN (SELECT key FROM blocks))
             + (SELECT count(*) FROM files WHERE run NOT IN (SELECT key FROM runs))
             + (SELECT count(*) FROM checkpoints WHERE run NOT IN (SELECT key FROM runs))
             + (SELECT count(*) FROM checkpoint_ends
                WHERE checkpoint NOT IN (SELECT key FROM checkpoints))
             + (SELECT count(*) FROM rungs WHERE run NOT IN (SELECT key FROM runs))
             + (SELECT count(*) FROM begins WHERE run NOT IN (SELECT id FROM runs))
             + (SELECT count(*) FROM prior_runs WHERE run NOT IN (SELECT key FROM runs)
                OR sweep NOT IN (SELECT id FROM sweeps))
             + (SELECT count(*) FROM queued_points WHERE sweep NOT IN (SELECT id FROM sweeps))
             + (SELECT count(*) FROM about WHERE joined NOT IN (SELECT id FROM sweeps))
             + (SELECT count(*) FROM runs WHERE sweep NOT IN (SELECT id FROM sweeps))
             + (SELECT count(*) FROM progress WHERE sweep NOT IN (SELECT id FROM sweeps))
             + (SELECT count(*) FROM bin_runs WHERE run NOT IN (SELECT key FROM runs))";
    /// The number of rows that are left of what was deleted. The trial with the key 3 keeps its row
    /// and its rung.
    const LEFT: &str = "
        SELECT (SELECT count(*) FROM runs WHERE key NOT IN (1, 3))
             + (SELECT count(*) FROM blocks WHERE run <> 1) + (SELECT count(*) FROM heads)
             + (SELECT count(*) FROM parts) + (SELECT count(*) FROM files WHERE run <> 1)
             + (SELECT count(*) FROM checkpoints WHERE run <> 1)
             + (SELECT count(*) FROM checkpoint_ends WHERE checkpoint > 20)
             + (SELECT count(*) FROM begins WHERE run <> 'kept')
             + (SELECT count(*) FROM rungs WHERE run NOT IN (1, 3))
             + (SELECT count(*) FROM events WHERE run <> 'kept' AND run <> 'there-0')
             + (SELECT count(*) FROM sweeps WHERE id <> 'there')
             + (SELECT count(*) FROM bin_sweeps)
             + (SELECT count(*) FROM prior_runs WHERE sweep <> 'there' OR run <> 1)
             + (SELECT count(*) FROM queued_points WHERE sweep <> 'there')
             + (SELECT count(*) FROM about WHERE joined IS NOT NULL)
             + (SELECT count(*) FROM bin_runs WHERE run <> 3)";
    /// The rows of the run that nobody deletes.
    const KEPT: &str = "
        SELECT (SELECT count(*) FROM shown_runs) * 10000
             + (SELECT count(*) FROM blocks WHERE run = 1) * 100
             + (SELECT count(*) FROM files WHERE run = 1) * 10
             + (SELECT count(*) FROM begins WHERE run = 'kept')
             + (SELECT count(*) FROM rungs WHERE run IN (1, 3))";

    /// Writes a run with rows in all tables that have many rows for a run.
    fn fill(tx: &Tx<'_>, id: &str, sweep: Option<&str>) -> Result<i64> {
        let sweep_id = sweep.map(SweepId::from);
        let trial = sweep.map(|_| 0);
        let run = Run { sweep: sweep_id, trial, ..Run::new(RunId::from(id), State::Finished, 1) };
        let key = runs::insert(tx, &run)?;
        for first in 0..20 {
            let stream = Stream { run: key, name: StreamName::History, attempt: 1, writer: "sdk" };
            let block = blocks::insert(tx, stream, first, 1, false, &[7; 100])?;
            let number = int(first)?;
            tx.run(
                "INSERT INTO heads (block, level, bytes, head) SELECT ?1, 1, 3, x'00' WHERE ?2",
                &[&block, &(number % 2 == 0 && id != "kept")],
            )?;
            tx.run(
                "INSERT INTO parts (key, bytes) SELECT ?1 * 2097152, x'000000' WHERE ?2",
                &[&block, &(number % 2 == 0 && id != "kept")],
            )?;
            for sql in [
                "INSERT INTO files VALUES (?1, 'f' || ?2, 1, 'aa', 1, 'file', 0, 1)",
                "INSERT INTO checkpoints VALUES (NULL, ?1, 1, 'sdk', ?2, 'aa', 1, 0, 1)",
                "INSERT INTO checkpoint_ends SELECT max(key), 'history', 'sdk', 1 FROM checkpoints
                 WHERE run = ?1 AND ?2 >= 0",
                "INSERT INTO begins SELECT id || ?2, id, 1 FROM runs WHERE key = ?1",
                "INSERT INTO events SELECT ?1 * 1000 + ?2, 1, sweep, id, 'run', '{}' FROM runs
                 WHERE key = ?1",
            ] {
                tx.run(sql, &[&key, &number])?;
            }
        }
        tx.run("INSERT INTO rungs VALUES (NULL, ?1, 1, 1, '', 1, 1, 1, 1, 1, 1, 0, 1)", &[&key])?;
        Ok(key)
    }

    fn prepare(tx: &Tx<'_>) -> Result<()> {
        for id in ["there", "gone"] {
            tx.run("INSERT INTO sweeps VALUES (NULL, ?1, NULL, '', '[]', 1, 1, 'p')", &[&id])?;
            tx.run(
                "INSERT INTO progress (sweep, state, next_trial, queued, leased, running,
                                       finished, failed, crashed, stopped)
                 VALUES (?1, 'finished', 1, 0, 0, 0, 1, 0, 0, 0)",
                &[&id],
            )?;
            for trial in 0..30 {
                tx.run(
                    "INSERT INTO queued_points (sweep, point, trial) VALUES (?1, '{}', ?2)",
                    &[&id, &trial],
                )?;
            }
        }
        let kept = fill(tx, "kept", None)?;
        let alone = fill(tx, "alone", None)?;
        let trial = fill(tx, "there-0", Some("there"))?;
        fill(tx, "gone-0", Some("gone"))?;
        for (sweep, run) in [("there", alone), ("gone", kept), ("there", kept)] {
            tx.run("INSERT INTO prior_runs VALUES (?1, ?2)", &[&sweep, &run])?;
        }
        tx.run(
            "INSERT INTO about (run, notes, grouped, job_type, added, metrics, client, joined, code)
             VALUES (?1, '', '', '', '{}', '[]', '{}', 'gone', '{}')",
            &[&kept],
        )?;
        for key in [alone, trial] {
            bin::put_run(tx, key, "a test", 1)?;
        }
        bin::put_sweep(tx, &"gone".into(), &"p".into(), "", "a test", 1)
    }

    fn step(tx: &Tx<'_>) -> Result<()> {
        let mut room = Room { rows: RUN_ROWS + 3, bytes: 150 };
        match (due_run(tx, 2)?, due_sweep(tx, 2)?) {
            (Some(key), _) => run(tx, key, 2, &mut room).map(drop),
            (None, Some(id)) => sweep(tx, &id, 2, &mut room).map(drop),
            (None, None) => Ok(()),
        }
    }

    async fn number(store: &Store, sql: &'static str) -> i64 {
        let read = move |tx: &Tx<'_>| {
            Ok::<i64, crate::store::Error>(tx.one(sql, &[], |row| row.get(0))?.unwrap_or(-1))
        };
        store.read(read).await.unwrap()
    }

    #[tokio::test]
    async fn a_purge_that_is_cut_off_after_any_step_goes_on() {
        let folder = TempDir::new().unwrap();
        let open = || Store::open_again(folder.path(), &Limits::default());
        let mut store = open();
        store.write(prepare, |()| {}).await.unwrap();
        let kept = number(&store, KEPT).await;
        let (mut left, mut steps) = (number(&store, LEFT).await, 0);
        assert!(left > 300, "{left}");
        while left > 0 && steps < 200 {
            store.write(step, |()| {}).await.unwrap();
            drop(store);
            store = open();
            let before = std::mem::replace(&mut left, number(&store, LEFT).await);
            assert!(before - left <= 30, "one step has removed {} rows", before - left);
            assert_eq!((number(&store, ORPHANS).await, number(&store, KEPT).await), (0, kept));
            steps += 1;
        }
        assert!(left == 0 && steps > 20, "{left} rows are left after {steps} steps");
        let trial = store.read(|tx| runs::stored(tx, 3)).await.unwrap().unwrap();
        assert_eq!((trial.id.as_str(), trial.state), ("there-0", State::Finished));
    }
}
