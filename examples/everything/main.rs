//! Logs every kind of value that a run can log, in one training program with comments on the calls.
//! The model is a small classifier of digits. Read the file from top to bottom: `train` has the
//! training loop, and the functions below it make the values that it logs. Run the program by hand
//! or with the sweep of this folder.

use std::{f64::consts::TAU, process::ExitCode, time::Duration};

use besom::{
    Artifact, Audio, Average, BoundingBox, Cell, Column, Domain, Goal, Histogram, Html, Layout,
    Mask, Run, Summary, Table, Video, VideoLayout, plot,
};
use besom_tch::{LearningRates, Mean, Watch, WatchExt as _};
use examples::{
    images::{Images, Part},
    program,
};
use serde::{Deserialize, Serialize};
use tch::{Kind, TchError, Tensor, nn, nn::ModuleT as _, nn::OptimizerConfig as _};

const CLASSES: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// The hyperparameters: the defaults, or the values of the sweep.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    learning_rate: f64,
    batch_size: i64,
    clip: f64,
    epochs: u64,
}

fn main() -> ExitCode {
    program::end(train())
}

fn train() -> program::Result<()> {
    let folder = program::data_folder()?;
    // Outside a sweep, this call starts a new run. In a sweep, the run is the trial that the agent
    // started. With BESOM_MODE=offline, the run stays in a folder for `sweep sync`. The SDK stores
    // the state of Git, the command line and the packages without further calls, and leaves secrets
    // out.
    let run = besom::init()
        .project("digits")
        .name("everything")
        .group("examples")
        .job_type("train")
        .tags(["cnn", "tour"])
        .notes("one call of each kind")
        .config(&Config { learning_rate: 2e-3, batch_size: 100, clip: 1.0, epochs: 3 })
        // Samples CPU, memory, disk, network and GPUs, of the machine and of this program's
        // processes. The default interval is ten seconds.
        .system_metrics(Duration::from_millis(200))
        .start()?;
    let config: Config = run.config()?;
    besom_tch::prepare(1, 1);
    let images = Images::load(folder.as_deref())?.to_device(besom_tch::place().device);
    run.update_config(&serde_json::json!({ "train_images": images.train.len() }))?;
    // Chooses the summaries of a metric, and the metric on the x-axis of its charts.
    run.define_metric("val/*")
        .summary([Summary::Best, Summary::Last])
        .step_metric("epoch")
        .goal(Goal::Maximize);
    run.define_metric("train/loss").summary([Summary::Min, Summary::Mean]);
    use_data(&run, &images)?;

    let store = nn::VarStore::new(images.train.images.device());
    let model = network(&store.root());
    let mut optimizer = nn::Adam::default().build(&store, config.learning_rate)?;
    // The output layer is a parameter group of its own, with half the learning rate.
    let mut rates =
        LearningRates::new(&mut optimizer, &[config.learning_rate, config.learning_rate / 2.0]);
    // Logs histograms of gradients and parameters at the first training step and at every 20th step
    // after it.
    let mut watching = run.watch(&store, Watch::All, 20);
    let mut filters = Vec::new();

    for epoch in 1..=config.epochs {
        let mut average = Average::default();
        for (pixels, labels) in batches(&images.train, config.batch_size) {
            let loss = model.forward_t(&pixels, true).cross_entropy_for_logits(&labels);
            optimizer.zero_grad();
            loss.backward();
            watching.step()?;
            let norms = besom_tch::clip_grad_norm(&store, config.clip)?;
            optimizer.step();
            let loss = besom_tch::scalar(&loss)?;
            average.add(loss, labels.numel() as u64);
            // Each call of `log!` logs one row at the next step. The values of `log_ahead` get the
            // step of that row. A `/` in names groups metrics. A map becomes several values, such
            // as `grad.norm`.
            run.log_ahead(rates.row());
            besom::log!(
                run,
                "train/loss" => loss,
                "grad" => [("norm", norms.before), ("clipped", norms.after)],
            );
            if run.should_stop() {
                break; // A person or a stopping rule asked the run to stop.
            }
        }
        rates.scale(&mut optimizer, 0.7);
        filters.push(store.variables()["conv.weight"].detach().copy());
        // Logs results on several validation sets under prefixes, and the accuracy of each class.
        let seen = Seen::of(&model, &images.validation)?;
        let noisy = Part {
            images: &images.validation.images + images.validation.images.randn_like() * 0.2,
            labels: images.validation.labels.shallow_clone(),
        };
        run.prefix("val/").log([("loss", seen.loss), ("accuracy", seen.accuracy())]);
        run.prefix("val/noisy/").log([("accuracy", Seen::of(&model, &noisy)?.accuracy())]);
        run.prefix("val/class/").log(CLASSES.iter().zip(seen.by_class()));
        besom::log!(
            run,
            "epoch" => epoch,
            "train/average" => average.take(),
            "is_warm" => epoch > 1,
            "phase" => "train",
        );
    }
    // `log_at` logs a row at a given step. Besom keeps every row, also one at an earlier step or at
    // a step that has a row. NaN and the infinities are valid values.
    run.log_at(0, [("checked/late", f64::NAN)]);

    let seen = Seen::of(&model, &images.test)?;
    run.summary("test/accuracy", seen.accuracy());
    log_media(&run, &images.test, &seen, &filters)?;
    log_charts(&run, &seen)?;
    log_model(&run, &store, seen.accuracy())?;
    program::say(run.finish()?);
    Ok(())
}

/// Logs the data as an artifact, and records that this run uses it. If a version of the artifact
/// has the same content, no new version is made.
fn use_data(run: &Run, images: &Images) -> program::Result<()> {
    let labels: Vec<u8> = Vec::try_from(images.test.labels.to_kind(Kind::Uint8))?;
    let mut data = Artifact::new("digits-test", "dataset");
    data.add_bytes("labels.bin", labels);
    data.add_reference("s3://data/mnist", "origin");
    data.set_metadata(&serde_json::json!({ "images": images.test.len() }));
    // An offline run has no controller that could assign a number to the version. The version then
    // stays in the run's folder until `sweep sync`.
    if let Ok(version) = run.log_artifact(&data)?.wait() {
        let used = run.use_artifact(&version.to_string())?;
        program::say(format_args!(
            "testing on {used}, {} bytes of labels",
            used.read("labels.bin")?.len()
        ));
    }
    Ok(())
}

/// Logs images with boxes and masks, a table with images in it, a sound, a video, an HTML page and
/// a file.
fn log_media(run: &Run, part: &Part, seen: &Seen, filters: &[Tensor]) -> program::Result<()> {
    let classes = CLASSES.iter().enumerate().map(|(class, name)| (class as i64, *name));
    let table = Table::new([
        ("image", Column::Image),
        ("truth", Column::I64),
        ("predicted", Column::I64),
        ("score", Column::F64),
    ])?;
    let mut examples = Vec::new();
    for at in 0..8 {
        let (truth, predicted, score) = (seen.truth[at], seen.predicted[at], seen.score(at));
        let pixels = part.images.get(at as i64);
        let image = besom_tch::image(&pixels, Layout::Chw)?.caption(format!("a {truth}"));
        table.add_row([
            Cell::from(image.clone()),
            (truth as i64).into(),
            (predicted as i64).into(),
            score.into(),
        ])?;
        let (ink, mask) = ink(&pixels)?;
        let found =
            BoundingBox::new(Domain::Pixel, ink, predicted as i64)?.score("confidence", score);
        let all = BoundingBox::new(Domain::Fraction, [0.0, 1.0, 0.0, 1.0], truth as i64)?
            .caption("whole image");
        let image = image.boxes("predictions", [found]).boxes("truth", [all]).masks("ink", mask);
        examples.push(image.class_labels(classes.clone()));
    }
    besom::log!(run, "examples" => examples, "predictions" => &table);
    // Each frame of the video shows the first layer's filters after one epoch. The dimensions are
    // time, channel, height and width.
    let frames = Tensor::stack(filters, 0).flatten(1, 3).unsqueeze(1);
    let frames = frames.repeat([1, 1, 4, 1]).reshape([filters.len() as i64, 1, 4, -1]);
    let scaled =
        ((&frames - frames.min()) / (frames.max() - frames.min()) * 255.0).to_kind(Kind::Uint8);
    let shape = [filters.len(), 1, 4, scaled.size()[3] as usize];
    let video = Video::from_frames(
        &Vec::<u8>::try_from(scaled.flatten(0, -1))?,
        shape,
        VideoLayout::Tchw,
        2,
    )?;
    // The pitch of the tone is proportional to the accuracy.
    let tone =
        |at: u32| ((f64::from(at) / 8000.0 * 880.0 * seen.accuracy() * TAU).sin() * 0.3) as f32;
    let audio = Audio::from_samples(&(0..4000).map(tone).collect::<Vec<_>>(), 8000, 1)?;
    let page = Html::new(format!("<h1>{:.1} % right</h1>", 100.0 * seen.accuracy()));
    besom::log!(run, "filters" => video, "tone" => audio.caption("accuracy"), "report" => page);
    // `save` stores a copy of any file in the run, with the file's present content.
    run.save(concat!(env!("CARGO_MANIFEST_DIR"), "/everything/sweep.yaml"))?;
    Ok(())
}

/// Logs charts and histograms.
fn log_charts(run: &Run, seen: &Seen) -> program::Result<()> {
    let by_class =
        Table::new([("class", Column::Text), ("digit", Column::F64), ("accuracy", Column::F64)])?;
    for (class, accuracy) in seen.by_class().enumerate() {
        by_class.add_row([Cell::from(CLASSES[class]), (class as f64).into(), accuracy.into()])?;
    }
    let losses = seen.losses();
    let sorted = {
        let mut sorted = losses.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    };
    let ranks: Vec<f64> = (0..sorted.len()).map(|rank| rank as f64).collect();
    besom::log!(
        run,
        "chart/bar" => plot::bar(&by_class, "class", "accuracy", "accuracy by class"),
        "chart/line" => plot::line(&by_class, "digit", "accuracy", "accuracy by digit"),
        "chart/scatter" => plot::scatter(&by_class, "digit", "accuracy", "accuracy by digit"),
        "chart/histogram" => plot::histogram(&by_class, "accuracy", "classes by accuracy"),
        "chart/series" =>
            plot::line_series(&ranks, &[("loss", &sorted)], "losses in order", "image")?,
        "chart/confusion" => plot::confusion_matrix(&seen.truth, &seen.predicted, &CLASSES)?,
        "chart/roc" => plot::roc_curve(&seen.truth, &seen.scores, &CLASSES)?,
        "chart/pr" => plot::pr_curve(&seen.truth, &seen.scores, &CLASSES)?,
        "losses" => Histogram::of(&losses, 32),
    );
    Ok(())
}

/// Logs the model as an artifact.
fn log_model(run: &Run, store: &nn::VarStore, accuracy: f64) -> program::Result<()> {
    let file = std::env::temp_dir().join(format!("{}.ot", run.id()));
    store.save(&file)?;
    let mut model = Artifact::new("digits", "model");
    model.add_file_as(&file, "model.ot")?;
    model.set_metadata(&serde_json::json!({ "test/accuracy": accuracy }));
    model.add_alias("newest-tour");
    run.log_artifact(&model)?;
    // The artifact has its own copy of the file.
    std::fs::remove_file(&file)?;
    Ok(())
}

fn network(root: &nn::Path) -> nn::SequentialT {
    let conv = nn::ConvConfig { stride: 2, padding: 2, ..Default::default() };
    let output = (root / "output").set_group(1);
    nn::seq_t()
        .add(nn::conv2d(root / "conv", 1, 8, 5, conv))
        .add_fn(|x| x.relu().adaptive_avg_pool2d([7, 7]).flatten(1, -1))
        .add(nn::linear(root / "hidden", 8 * 7 * 7, 32, Default::default()))
        .add_fn(|x| x.relu())
        .add(nn::linear(output, 32, 10, Default::default()))
}

/// Returns batches of all images and their labels, in a new random order.
fn batches(part: &Part, size: i64) -> impl Iterator<Item = (Tensor, Tensor)> + '_ {
    let order = Tensor::randperm(part.len(), (Kind::Int64, part.labels.device()));
    let batch =
        |batch: Tensor| (part.images.index_select(0, &batch), part.labels.index_select(0, &batch));
    order.split(size, 0).into_iter().map(batch)
}

/// Returns the box around the drawn pixels (left, right, top, bottom), in pixels, and a mask of the
/// drawn pixels.
fn ink(pixels: &Tensor) -> program::Result<([f64; 4], Mask)> {
    let drawn = pixels.get(0).gt(0.5);
    let [height, width] = [0, 1].map(|axis| drawn.size()[axis] as usize);
    let range = |axis: i64| -> Result<[f64; 2], TchError> {
        let at = drawn.any_dim(axis, false).nonzero().to_kind(Kind::Double);
        if at.numel() == 0 {
            Ok([0.0, 1.0])
        } else {
            Ok([at.min().double_value(&[]), at.max().double_value(&[]) + 1.0])
        }
    };
    let ([left, right], [top, bottom]) = (range(0)?, range(1)?);
    let classes: Vec<u8> = Vec::try_from(drawn.to_kind(Kind::Uint8).flatten(0, -1))?;
    let mask = Mask::new(height, width, &classes)?.class_labels([(0, "paper"), (1, "ink")]);
    Ok(([left, right, top, bottom], mask))
}

/// The predictions of the model for a set of images.
struct Seen {
    loss: f64,
    truth: Vec<usize>,
    predicted: Vec<usize>,
    /// The probabilities of the ten classes for each image, one image after the other.
    scores: Vec<f64>,
}

impl Seen {
    fn of(model: &nn::SequentialT, part: &Part) -> Result<Self, TchError> {
        tch::no_grad(|| {
            let (mut mean, mut scores) = (Mean::default(), Vec::new());
            for (images, labels) in part.images.split(500, 0).iter().zip(part.labels.split(500, 0))
            {
                let logits = model.forward_t(images, false);
                mean.add(&logits.cross_entropy_for_logits(&labels), labels.numel() as i64)?;
                scores
                    .extend(Vec::<f64>::try_from(logits.softmax(-1, Kind::Double).flatten(0, -1))?);
            }
            let best = |scores: &[f64]| {
                (0..10).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap_or(0)
            };
            let truth: Vec<i64> = Vec::try_from(&part.labels)?;
            let truth = truth.into_iter().map(|class| class as usize).collect();
            Ok(Self {
                loss: mean.value()?,
                truth,
                predicted: scores.chunks(10).map(best).collect(),
                scores,
            })
        })
    }

    fn accuracy(&self) -> f64 {
        let right =
            self.truth.iter().zip(&self.predicted).filter(|(truth, predicted)| truth == predicted);
        right.count() as f64 / self.truth.len() as f64
    }

    fn by_class(&self) -> impl Iterator<Item = f64> + '_ {
        (0..10).map(|class| {
            let of: Vec<_> = self
                .truth
                .iter()
                .zip(&self.predicted)
                .filter(|(truth, _)| **truth == class)
                .collect();
            of.iter().filter(|(truth, predicted)| truth == predicted).count() as f64
                / of.len() as f64
        })
    }

    /// Returns the probability that the model gives to its predicted class for the image `at`.
    fn score(&self, at: usize) -> f64 {
        self.scores[10 * at + self.predicted[at]]
    }

    fn losses(&self) -> Vec<f64> {
        self.truth
            .iter()
            .enumerate()
            .map(|(at, class)| -self.scores[10 * at + class].ln())
            .collect()
    }
}
