//! Sends SIGKILL at random moments to the controller, to trainers, and to both at once.
//! Acknowledged rows, files and artifacts are stored exactly once, bit by bit. A killed trainer
//! loses at most the rows of the last milliseconds. BESOM_KILLS sets the number of kills: 40 unless
//! `cargo xtask soak` asks for more. BESOM_SEED sets the seed of the moments.

pub(crate) mod contents;

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    path::PathBuf,
    process::{Child, ChildStdout, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use proto::dial::Dial;
use tests::{
    Chance, Lab,
    acknowledged::{acknowledged, append},
    measures, monotonic_ns, rows, times,
};

/// The number of kills in one round: a trainer, the controller, and a second trainer right after
/// the controller.
const KILLS_A_ROUND: usize = 3;
const DEFAULT_KILLS: usize = 40;
/// The longest time of which a killed trainer may lose the rows, on a machine that keeps its
/// threads running.
const LOSS: Duration = Duration::from_millis(10);

#[test]
fn acknowledged_rows_and_files_survive_every_kill() {
    let kills = times("BESOM_KILLS", DEFAULT_KILLS);
    let mut lab = Lab::with_controller();
    // The clock starts after the programs are built, which may take longer than everything else.
    let begun = Instant::now();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut chance = Chance::from_environment();
    let mut lost = Vec::new();
    for round in 0..kills.div_ceil(KILLS_A_ROUND) {
        lost.extend(one_round(&mut lab, &runtime, &mut chance, round));
    }
    lost.sort_unstable();
    let over = lost.iter().filter(|lost| **lost > LOSS).count();
    let (middle, most) = (lost[lost.len() / 2], lost[lost.len() - 1]);
    terminal::say(format_args!(
        "{} trainers killed in {:.1?}: lost the last {middle:?} at the median, {most:?} at most, \
        {over} over {LOSS:?}",
        lost.len(),
        begun.elapsed()
    ));
    // Some machines keep a thread waiting for longer than this test can detect, so a tenth of the
    // trainers may lose more.
    assert!(
        over * 10 <= lost.len() || !measures(),
        "{over} of {} trainers lost more than {LOSS:?}: {lost:?}",
        lost.len()
    );
}

/// Runs one round. Returns what the two killed trainers lost, as [`Trainer::lost`] measures it.
fn one_round(
    lab: &mut Lab,
    runtime: &tokio::runtime::Runtime,
    chance: &mut Chance,
    round: usize,
) -> [Duration; 2] {
    let mut trainers =
        [0, 1, 2].map(|number| Trainer::start(lab, &format!("trainer-{round}-{number}")));
    let dial = runtime.block_on(async { Dial::new(&lab.address(), None).unwrap() });
    let over = Arc::new(AtomicBool::new(false));
    let writer = runtime.spawn(acknowledged(dial.clone(), Arc::clone(&over), append));
    let keeper = runtime.spawn(acknowledged(dial.clone(), Arc::clone(&over), contents::tell));
    let [mut survivor, mut alone, mut both] = {
        trainers.iter_mut().for_each(Trainer::begin);
        trainers
    };
    thread::sleep(chance.up_to(Duration::from_millis(200)));
    let first = alone.kill();
    thread::sleep(chance.up_to(Duration::from_millis(100)));
    lab.kill_controller();
    let second = both.kill();
    thread::sleep(chance.up_to(Duration::from_millis(150)));
    lab.start_controller();
    thread::sleep(chance.up_to(Duration::from_millis(100)));
    over.store(true, Ordering::Relaxed);
    let (run, acked) = runtime.block_on(writer).unwrap();
    let have = runtime.block_on(rows::stored(&dial, &run));
    assert_eq!(
        have,
        (0..acked).collect::<Vec<_>>(),
        "every acknowledged row once, and nothing else"
    );
    let (run, acked) = runtime.block_on(keeper).unwrap();
    runtime.block_on(contents::check(&dial, &run, acked));
    let accepted = survivor.finish();
    let have = runtime.block_on(rows::stored(&dial, &survivor.run));
    assert_eq!(have, (0..accepted).collect::<Vec<_>>(), "a trainer that lives on loses nothing");
    [(alone, first), (both, second)].map(|(trainer, killed)| {
        let kept = rows::journal(&trainer.data, &trainer.run);
        let have = runtime.block_on(rows::stored(&dial, &trainer.run));
        assert_eq!(kept, (0..kept.len() as u64).collect::<Vec<_>>(), "a journal has no gaps");
        assert_eq!(have, kept[..have.len()], "the controller has the journal's first rows");
        trainer.lost(kept.len() as u64, killed)
    })
}

/// A process of the program `sdk_logger`, with its own folder.
struct Trainer {
    child: Child,
    output: BufReader<ChildStdout>,
    data: PathBuf,
    side: PathBuf,
    run: String,
}

impl Trainer {
    fn start(lab: &Lab, name: &str) -> Self {
        let data = lab.dir().join(name);
        fs::create_dir(&data).unwrap();
        let side = data.join("side");
        let mut child = lab
            .command("sdk_logger")
            .args(["1500", "200"])
            .arg(&side)
            .env("BESOM_DATA", &data)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output, data, side, run: String::new() }
    }

    /// Waits until the trainer has begun its run.
    fn begin(&mut self) {
        self.output.read_line(&mut self.run).unwrap();
        self.run.truncate(self.run.trim_end().len());
        assert!(!self.run.is_empty(), "a trainer begins");
    }

    /// Kills the trainer with SIGKILL; returns the time right before.
    fn kill(&mut self) -> u64 {
        let at = monotonic_ns();
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        at
    }

    /// Waits for the trainer's end; returns the number of rows that it logged.
    fn finish(&mut self) -> u64 {
        let mut said = String::new();
        self.output.read_to_string(&mut said).unwrap();
        assert!(self.child.wait().unwrap().success(), "{said}");
        let words: Vec<u64> = said.split_whitespace().map(|word| word.parse().unwrap()).collect();
        assert_eq!(words[1], 0, "nothing is refused");
        words[0]
    }

    /// Returns how long before the kill the trainer logged its first lost row; zero if it lost
    /// none. The first `kept` rows are on disk. The time for which the machine did not run the
    /// trainer's threads does not count.
    fn lost(&self, kept: u64, killed: u64) -> Duration {
        let side = fs::read(&self.side).unwrap();
        let word = |bytes: &[u8], index: usize| {
            u64::from_le_bytes(bytes[8 * index..8 * index + 8].try_into().unwrap())
        };
        let logged: Vec<[u64; 3]> =
            side.chunks_exact(24).map(|row| [word(row, 0), word(row, 1), word(row, 2)]).collect();
        assert!(kept <= logged.len() as u64 + 1, "every kept row was logged");
        let Some([_, at, _]) = logged.get(kept as usize) else { return Duration::ZERO };
        let recent = logged.iter().filter(|[_, at, _]| at + 100_000_000 > killed);
        let stall = recent
            .map(|[_, at, awake]| at.saturating_sub(*awake).saturating_sub(5_000_000))
            .max()
            .unwrap_or(0);
        Duration::from_nanos(killed.saturating_sub(*at).saturating_sub(stall))
    }
}
