//! Trains a network that predicts the quality score (3 to 8) of red wines from eleven chemical
//! measurements. The data is the UCI Wine Quality data set of 1,599 wines, which the crate
//! linfa-datasets contains. An agent starts this program for every trial of `tabular/sweep.yaml`.

use std::process::ExitCode;

use besom_tch::{Mean, Optim, Optimizer};
use examples::program;
use serde::{Deserialize, Serialize};
use tch::{Kind, Reduction, TchError, Tensor, nn, nn::Module as _};

/// The parameters that a sweep can set; a parameter that a sweep does not set keeps its default. A
/// name that is not a field is an error, because such a parameter would have no effect.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    optimizer: Optimizer,
    learning_rate: f64,
    weight_decay: f64,
    batch_size: i64,
    network: Network,
    epochs: i64,
    seed: u32,
}

/// The parameters under `network`, which are nested in the sweep's YAML.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Network {
    layers: u32,
    width: i64,
    activation: Activation,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Activation {
    Relu,
    Tanh,
    Gelu,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            optimizer: Optimizer::AdamW,
            learning_rate: 1e-3,
            weight_decay: 0.0,
            batch_size: 64,
            network: Network { layers: 2, width: 32, activation: Activation::Relu },
            epochs: 30,
            seed: 1,
        }
    }
}

/// A set of n wines. `measurements` has the shape [n, 11] and is standardised with the mean and the
/// deviation of the training wines. `scores` has the shape [n, 1].
struct Wines {
    measurements: Tensor,
    scores: Tensor,
}

fn main() -> ExitCode {
    program::end(train())
}

fn train() -> program::Result<()> {
    let run = besom::init().project("wine").config(&Config::default()).start()?;
    let config: Config = run.config()?;
    besom_tch::prepare(config.seed, 1);
    let [train, validation] = load()?;
    let store = nn::VarStore::new(besom_tch::place().device);
    let model = network(&store.root(), &config.network, train.measurements.size()[1]);
    let mut optimizer = config.optimizer.build(&store, config.learning_rate)?;
    optimizer.set_weight_decay(config.weight_decay);

    for epoch in 1..=config.epochs {
        let loss = learn(&model, &mut optimizer, &train, config.batch_size)?;
        let val_loss = tch::no_grad(|| {
            let guess = model.forward(&validation.measurements);
            besom_tch::scalar(&guess.mse_loss(&validation.scores, Reduction::Mean))
        })?;
        besom::log!(
            run,
            "epoch" => epoch,
            "train/loss" => loss,
            "val/loss" => val_loss,
            "val/rmse" => val_loss.sqrt(),
        );
        if !val_loss.is_finite() {
            return Err(format!("diverged in epoch {epoch}: val/loss is {val_loss}").into());
        }
        if run.should_stop() {
            break;
        }
    }
    program::say(run.finish()?);
    Ok(())
}

/// Loads the wines for training and, as a second set, a fifth of the wines for validation. Every
/// trial gets the same two sets. The validation wines are blocks of 32 rows, because some wines
/// occur several times in nearby rows. If the code chose single rows instead, a wine could be in
/// both sets, and the validation would reward memorising.
fn load() -> program::Result<[Wines; 2]> {
    let wines = linfa_datasets::winequality();
    let records = wines.records();
    let (rows, columns) = records.dim();
    let measurements: Vec<f32> = records.iter().map(|value| *value as f32).collect();
    let measurements = Tensor::from_slice(&measurements).f_view([rows as i64, columns as i64])?;
    let scores: Vec<f32> = wines.targets().iter().map(|score| *score as f32).collect();
    let scores = Tensor::from_slice(&scores).f_view([-1, 1])?;

    let block = Tensor::arange(rows as i64, (Kind::Int64, measurements.device()))
        .f_divide_scalar_mode(32, "floor")?;
    let held_out = block.remainder(5).eq(0);
    let rows_where = |mask: &Tensor| mask.nonzero().squeeze_dim(1);
    let (for_training, for_validation) =
        (rows_where(&held_out.logical_not()), rows_where(&held_out));
    let seen = measurements.index_select(0, &for_training);
    let mean = seen.mean_dim(0, false, Kind::Float);
    let deviation = seen.std_dim(0, true, false);
    let standardised = (measurements - mean) / deviation;
    Ok([for_training, for_validation].map(|rows| Wines {
        measurements: standardised.index_select(0, &rows),
        scores: scores.index_select(0, &rows),
    }))
}

fn network(root: &nn::Path, network: &Network, inputs: i64) -> nn::Sequential {
    let mut model = nn::seq();
    let mut width = inputs;
    for layer in 0..network.layers {
        let name = format!("layer{layer}");
        model =
            model.add(nn::linear(root / name.as_str(), width, network.width, Default::default()));
        model = match network.activation {
            Activation::Relu => model.add_fn(Tensor::relu),
            Activation::Tanh => model.add_fn(Tensor::tanh),
            Activation::Gelu => model.add_fn(|x| x.gelu("none")),
        };
        width = network.width;
    }
    model.add(nn::linear(root / "output", width, 1, Default::default()))
}

/// Trains for one pass over the wines in a new random order, and returns the mean loss.
fn learn(
    model: &nn::Sequential,
    optimizer: &mut Optim,
    wines: &Wines,
    batch: i64,
) -> Result<f64, TchError> {
    let mut mean = Mean::default();
    let order = Tensor::randperm(wines.scores.size()[0], (Kind::Int64, wines.scores.device()));
    for rows in order.split(batch, 0) {
        let guess = model.forward(&wines.measurements.index_select(0, &rows));
        let loss = guess.mse_loss(&wines.scores.index_select(0, &rows), Reduction::Mean);
        optimizer.backward_step(&loss)?;
        mean.add(&loss, rows.numel() as i64)?;
    }
    mean.value()
}
