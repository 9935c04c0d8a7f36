//! Tests that the summary of a run is what its rows make of it, whatever happens in between: a
//! controller that keeps decoded summaries says the same as one that keeps none.

use proto::v1::{AppendRows, BeginRun};
use record::{Row, Value, Writer};

use crate::lab::{FakeAgent, Lab, RANDOM};

/// Numbers without a pattern, which are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (self.0 >> 33) % sides
    }

    fn row(&mut self) -> Vec<u8> {
        let mut values = Vec::new();
        for _ in 0..=self.roll(4) {
            let value = match self.roll(4) {
                0 => Value::Text("x".repeat(self.roll(20) as usize)),
                1 => Value::F64(f64::NAN),
                _ => Value::F64(self.roll(1000) as f64 / 8.0),
            };
            values.push((format!("k{}", self.roll(9)), value));
        }
        let mut frames = Vec::new();
        Writer::default().frame(&[Row { step: self.roll(30), wall_ms: 0, values }], &mut frames);
        frames
    }
}

/// The runs of a laboratory: one outside of sweeps, and a trial of an agent.
struct Runs {
    lab: Lab,
    agent: FakeAgent,
    /// The id and the attempt of each.
    of: [(String, u32); 2],
    /// The rows that came of each stream of each writer of the present attempts.
    came: std::collections::HashMap<(usize, &'static str, &'static str), u64>,
}

impl Runs {
    async fn start(decoded: usize, decoded_bytes: usize) -> Self {
        let mut lab = Lab::with(|settings| {
            (settings.limits.decoded, settings.limits.decoded_bytes) = (decoded, decoded_bytes);
            settings.limits.summary_keys = 7;
        })
        .await;
        let sweep = lab.create(RANDOM).await;
        let mut agent = lab.agent("one", &sweep.id);
        let start = agent.ask().await;
        let alone = BeginRun { id: "alone".to_owned(), ..BeginRun::default() };
        let alone = lab.runs.begin(alone).await.unwrap().into_inner();
        let of = [(alone.run, alone.attempt), (start.run, start.attempt)];
        Self { lab, agent, of, came: Default::default() }
    }

    fn append(
        &self,
        at: usize,
        stream: &'static str,
        writer: &'static str,
        dice: &mut Dice,
    ) -> AppendRows {
        let (run, attempt) = self.of[at].clone();
        let offset = self.came.get(&(at, stream, writer)).copied().unwrap_or(0);
        let (stream, writer) = (stream.to_owned(), writer.to_owned());
        AppendRows { run, attempt, writer, stream, offset, frames: dice.row() }
    }

    /// Two writers append at the same time; a third one sends rows after a gap, which are refused.
    async fn append_all(&mut self, at: usize, stream: &'static str, dice: &mut Dice) {
        // The order in which both arrive must not matter, so each writes to a stream of its own.
        let other = if stream == "history" { "summary" } else { "history" };
        let (one, two) = (self.append(at, stream, "a", dice), self.append(at, other, "b", dice));
        let mut gap = self.append(at, stream, "c", dice);
        gap.offset += 5;
        let [mut first, mut second, mut third] = [(); 3].map(|()| self.lab.runs.clone());
        let (one, gap, two) =
            tokio::join!(first.append(one), second.append(gap), third.append(two));
        assert!(one.is_ok() && two.is_ok() && gap.is_err());
        for key in [(at, stream, "a"), (at, other, "b")] {
            *self.came.entry(key).or_default() += 1;
        }
    }

    /// Begins the next attempt: of the run outside of sweeps anew or not, of the trial anew.
    async fn again(&mut self, at: usize, dice: &mut Dice) {
        self.came.retain(|key, _| key.0 != at);
        if at == 1 {
            self.agent.reborn();
            let start = self.agent.ask().await;
            self.of[1] = (start.run, start.attempt);
            return;
        }
        let resume = ["must", "anew"][dice.roll(2) as usize].to_owned();
        let (id, attempt) = self.of[0].clone();
        let idempotency_key = format!("after {attempt}");
        let begin = BeginRun { idempotency_key, id, resume, ..BeginRun::default() };
        let begun = self.lab.runs.begin(begin).await.unwrap().into_inner();
        self.of[0] = (begun.run, begun.attempt);
    }

    async fn summaries(&mut self) -> [String; 2] {
        let mut all = [String::new(), String::new()];
        for (all, (id, _)) in all.iter_mut().zip(self.of.clone()) {
            *all = self.lab.run(&id).await.summary_json;
        }
        all
    }
}

#[tokio::test]
async fn a_controller_that_keeps_summaries_decoded_says_the_same() {
    let mut each = [
        Runs::start(4096, 64 << 20).await,
        Runs::start(1, 64 << 20).await,
        Runs::start(4096, 0).await,
    ];
    let mut dice = Dice(11);
    for round in 0..120 {
        let (deed, at, seed) = (dice.roll(8), dice.roll(2) as usize, dice.roll(1 << 30));
        let mut said = Vec::new();
        for runs in &mut each {
            let mut dice = Dice(seed);
            match deed {
                0 => runs.again(at, &mut dice).await,
                1..5 => runs.append_all(at, "history", &mut dice).await,
                _ => runs.append_all(at, "summary", &mut dice).await,
            }
            said.push(runs.summaries().await);
        }
        assert!(said.iter().all(|one| *one == said[0]), "round {round}: {said:#?}");
    }
    for runs in &mut each {
        let before = runs.summaries().await;
        runs.lab.restart().await;
        assert_eq!(runs.summaries().await, before);
    }
}
