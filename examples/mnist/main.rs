//! Trains a small convolutional network that classifies digits: on MNIST, on any four files in
//! MNIST's format, or on digits that the program draws itself. An agent starts this program for
//! every trial of the sweeps in `mnist/` and `typical/`.

use std::process::ExitCode;

use besom_tch::{Mean, Optim, Optimizer, ResumeExt as _, Watch, WatchExt as _, Watching};
use examples::{
    images::{Images, Part},
    program,
};
use serde::{Deserialize, Serialize};
use tch::{Kind, TchError, Tensor, nn, nn::ModuleT as _};

/// The parameters that a sweep can set; a parameter that a sweep does not set keeps its default. A
/// name that is not a field is an error, because such a parameter would have no effect.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    learning_rate: f64,
    batch_size: i64,
    optimizer: Optimizer,
    /// The number of units of the hidden layer.
    hidden: i64,
    /// The share of the hidden units that dropout sets to zero at each step, 0 to 1.
    dropout: f64,
    epochs: u64,
    seed: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            learning_rate: 1e-3,
            batch_size: 64,
            optimizer: Optimizer::Adam,
            hidden: 64,
            dropout: 0.0,
            epochs: 4,
            seed: 1,
        }
    }
}

fn main() -> ExitCode {
    program::end(train())
}

fn train() -> program::Result<()> {
    let folder = program::data_folder()?;
    let run = besom::init().project("digits").config(&Config::default()).start()?;
    let config: Config = run.config()?;
    besom_tch::prepare(config.seed, 1);
    let place = besom_tch::place();
    if let Some(why) = &place.idle {
        program::say(format_args!("warning: training on the CPU: {why}"));
    }
    let images = Images::load(folder.as_deref())?.to_device(place.device);
    let store = nn::VarStore::new(place.device);
    let model = network(&store.root(), &config, &images.train);
    let mut optimizer = config.optimizer.build(&store, config.learning_rate)?;
    let mut watching = run.watch(&store, Watch::All, 100);

    // After a kill or a preemption, the next attempt continues after the last saved epoch, on any
    // node.
    let done = run.resume_training(&store, &mut optimizer)?.unwrap_or(0);
    for epoch in done + 1..=config.epochs {
        besom_tch::reseed(config.seed, epoch);
        let loss = learn(&model, &mut optimizer, &mut watching, &images.train, config.batch_size)?;
        let (val_loss, val_accuracy) = judge(&model, &images.validation)?;
        besom::log!(
            run,
            "epoch" => epoch,
            "train/loss" => loss,
            "val/loss" => val_loss,
            "val/accuracy" => val_accuracy
        );
        if !val_loss.is_finite() {
            return Err(format!("diverged in epoch {epoch}: val/loss is {val_loss}").into());
        }
        run.save_training(&store, &optimizer, &epoch)?;
        if run.should_stop() {
            break;
        }
    }
    // The trainer uses the test images only once, after the training, so that no choice of a
    // parameter can depend on them.
    let (_, test_accuracy) = judge(&model, &images.test)?;
    run.summary("test/accuracy", test_accuracy);
    program::say(run.finish()?);
    Ok(())
}

fn network(root: &nn::Path, config: &Config, sample: &Part) -> nn::SequentialT {
    let narrow = |padding| nn::ConvConfig { stride: 2, padding, ..Default::default() };
    let dropout = config.dropout;
    // The two convolutions have stride 2, so together they divide each side of an image by 4 and
    // round up.
    let [height, width] =
        [sample.images.size()[2], sample.images.size()[3]].map(|side| (side + 3) / 4);
    nn::seq_t()
        .add(nn::conv2d(root / "conv1", 1, 8, 5, narrow(2)))
        .add_fn(Tensor::relu)
        .add(nn::conv2d(root / "conv2", 8, 16, 3, narrow(1)))
        .add_fn(|x| x.relu().flatten(1, -1))
        .add(nn::linear(root / "hidden", 16 * height * width, config.hidden, Default::default()))
        .add_fn_t(move |x, train| x.relu().dropout(dropout, train))
        .add(nn::linear(root / "output", config.hidden, 10, Default::default()))
}

/// Trains for one pass over the images in a new random order, and returns the mean loss.
fn learn(
    model: &nn::SequentialT,
    optimizer: &mut Optim,
    watching: &mut Watching,
    part: &Part,
    batch_size: i64,
) -> Result<f64, TchError> {
    let mut mean = Mean::default();
    let order = Tensor::randperm(part.len(), (Kind::Int64, part.labels.device()));
    for batch in order.split(batch_size, 0) {
        let (images, labels) =
            (part.images.index_select(0, &batch), part.labels.index_select(0, &batch));
        let loss = model.forward_t(&images, true).cross_entropy_for_logits(&labels);
        optimizer.backward_step(&loss)?;
        watching.step()?;
        mean.add(&loss, labels.numel() as i64)?;
    }
    mean.value()
}

/// Returns the mean loss and the accuracy of the model on a set of images.
fn judge(model: &nn::SequentialT, part: &Part) -> Result<(f64, f64), TchError> {
    tch::no_grad(|| {
        let (mut loss, mut accuracy) = (Mean::default(), Mean::default());
        for (images, labels) in part.images.split(1000, 0).iter().zip(part.labels.split(1000, 0)) {
            let logits = model.forward_t(images, false);
            let samples = labels.numel() as i64;
            loss.add(&logits.cross_entropy_for_logits(&labels), samples)?;
            let right = logits.argmax(-1, false).eq_tensor(&labels);
            accuracy.add(&right.to_kind(Kind::Double).mean(Kind::Double), samples)?;
        }
        Ok((loss.value()?, accuracy.value()?))
    })
}
