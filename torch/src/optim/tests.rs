//! Tests that every update equals that of libtorch's optimisers, that a saved training resumes with
//! the same bits, and that the state of another model is refused.

use tch::{Device, nn::OptimizerConfig};

use super::*;
use crate::state::{load, save};

/// A model of two layers. Every third step does not use the second layer, so that its variables do
/// not always get a gradient.
struct Model {
    store: nn::VarStore,
    parts: [nn::Linear; 2],
}

impl Model {
    fn new(kind: Kind) -> Self {
        let mut store = nn::VarStore::new(Device::Cpu);
        let parts =
            ["one", "two"].map(|name| nn::linear(store.root() / name, 5, 3, Default::default()));
        // The weights are not random, because all tests of the process share libtorch's only random
        // number generator.
        let mut variables: Vec<_> = store.variables().into_iter().collect();
        variables.sort_by(|one, other| one.0.cmp(&other.0));
        for (number, (_, mut variable)) in variables.into_iter().enumerate() {
            tch::no_grad(|| variable.copy_(&(wave(&variable.size(), number as f64) * 0.4)));
        }
        match kind {
            Kind::Double => store.double(),
            _ => store.float(),
        }
        Self { store, parts }
    }

    fn loss(&self, step: i64) -> Tensor {
        let [one, two] = &self.parts;
        let x = wave(&[8, 5], step as f64).to_kind(one.ws.kind()) * 1.4;
        let sum =
            x.apply(one) + if step % 3 == 0 { Tensor::from(0.5f32) } else { x.apply(two).tanh() };
        sum.square().mean(one.ws.kind())
    }

    fn weights(&self) -> Vec<f64> {
        let mut all: Vec<_> = self.store.variables().into_iter().collect();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        let flat = all.iter().flat_map(|(_, tensor)| {
            Vec::<f64>::try_from(tensor.to_kind(Kind::Double).flatten(0, -1)).expect("numbers")
        });
        flat.collect()
    }
}

/// Returns a tensor of fixed numbers between -1 and 1 that look random.
fn wave(size: &[i64], phase: f64) -> Tensor {
    let places = Tensor::arange(size.iter().product::<i64>(), (Kind::Double, Device::Cpu));
    (places * 12.9898 + phase * 78.233).sin().reshape(size)
}

fn rules() -> [Rule; 9] {
    [
        nn::Sgd::default().into(),
        nn::sgd(0.9, 0.0, 0.0, false).into(),
        nn::sgd(0.9, 0.3, 0.01, false).into(),
        nn::sgd(0.9, 0.0, 0.01, true).into(),
        nn::Adam::default().into(),
        nn::Adam::default().wd(0.1).beta1(0.8).amsgrad(true).into(),
        nn::AdamW::default().into(),
        nn::AdamW::default().wd(0.0).eps(1e-3).into(),
        nn::AdamW::default().wd(0.1).amsgrad(true).into(),
    ]
}

fn theirs(rule: Rule, store: &nn::VarStore) -> Result<nn::Optimizer, TchError> {
    match rule {
        Rule::Sgd(rule) => rule.build(store, 0.05),
        Rule::Adam(rule) => rule.build(store, 0.05),
        Rule::AdamW(rule) => rule.build(store, 0.05),
    }
}

#[test]
fn every_step_equals_libtorchs_own() -> Result<(), TchError> {
    for (kind, tolerance) in [(Kind::Double, 1e-12), (Kind::Float, 1e-4)] {
        for rule in rules() {
            let (here, there) = (Model::new(kind), Model::new(kind));
            let (mut ours, mut theirs) =
                (Optim::new(&here.store, rule, 0.05)?, theirs(rule, &there.store)?);
            for step in 0..60 {
                if step == 40 {
                    ours.set_learning_rate(0.01);
                    theirs.set_lr(0.01);
                }
                ours.backward_step(&here.loss(step))?;
                theirs.backward_step(&there.loss(step));
                for (one, other) in here.weights().into_iter().zip(there.weights()) {
                    assert!((one - other).abs() <= tolerance, "{rule:?} {step}: {one} and {other}");
                }
            }
        }
    }
    Ok(())
}

#[test]
fn a_saved_training_resumes_bit_by_bit() -> Result<(), StateError> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("state");
    for rule in rules() {
        let whole = Model::new(Kind::Float);
        let mut optimizer = Optim::new(&whole.store, rule, 0.05)?;
        for step in 0..20 {
            if step == 7 {
                optimizer.set_learning_rate(0.03);
                save(&file, &whole.store, &optimizer, &step)?;
            }
            optimizer.backward_step(&whole.loss(step))?;
        }
        let resumed = Model::new(Kind::Float);
        let mut optimizer = Optim::new(&resumed.store, rule, 0.05)?;
        let from: i64 = load(&file, &resumed.store, &mut optimizer)?;
        assert_eq!((from, optimizer.learning_rate()), (7, 0.03));
        for step in from..20 {
            optimizer.backward_step(&resumed.loss(step))?;
        }
        let bits =
            |model: &Model| model.weights().into_iter().map(f64::to_bits).collect::<Vec<_>>();
        assert_eq!(bits(&whole), bits(&resumed), "{rule:?}");
    }
    Ok(())
}

#[test]
fn the_state_of_another_model_is_refused_and_changes_nothing() -> Result<(), StateError> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("state");
    let model = Model::new(Kind::Float);
    let mut adam = Optim::new(&model.store, nn::Adam::default(), 0.05)?;
    adam.backward_step(&model.loss(1))?;
    save(&file, &model.store, &adam, &"three")?;
    let before = model.weights();
    let refused =
        |file: &std::path::Path, store: &nn::VarStore, rule: Rule| -> Result<String, StateError> {
            let mut optimizer = Optim::new(store, rule, 0.01)?;
            let error =
                load::<String>(file, store, &mut optimizer).expect_err("it is of something else");
            assert_eq!(optimizer.learning_rate(), 0.01);
            Ok(error.to_string())
        };
    let amsgrad = nn::Adam::default().amsgrad(true).into();
    assert!(refused(&file, &model.store, amsgrad)?.contains("has no `one.bias/max_exp_avg_sq`"));
    let error = refused(&file, &model.store, nn::Sgd::default().into())?;
    assert!(error.contains("which does not exist here"), "{error}");
    let double = Model::new(Kind::Double);
    let error = refused(&file, &double.store, nn::Adam::default().into())?;
    assert!(error.contains("was saved as Float") && error.contains("is Double"), "{error}");
    std::fs::write(&file, b"no tensors").expect("a file");
    refused(&file, &model.store, nn::Adam::default().into())?;
    assert_eq!(model.weights(), before);
    assert!(load::<u32>(&file, &model.store, &mut adam).is_err(), "the progress is a text");
    Ok(())
}
