//! Tests that the histograms of a small model are in the journal of an offline run, and that a
//! histogram counts every finite value.

use besom::Mode;
use tch::{Device, Kind, nn::Module as _, nn::OptimizerConfig as _};

use super::*;

/// Reads the rows of the run `watched` from the run's journal.
fn rows(folder: &std::path::Path) -> Vec<record::Row> {
    let journal = folder.join("offline/watched/journal/sdk.history");
    record::rows(&std::fs::read(journal).expect("there is a journal")).expect("it is whole")
}

#[test]
fn histograms_join_the_row_of_their_step() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let run = besom::init().mode(Mode::Offline).id("watched").dir(folder.path()).start()?;
    let store = nn::VarStore::new(Device::Cpu);
    let model = nn::linear(store.root() / "layer", 3, 2, Default::default());
    let mut optimizer = nn::Sgd::default().build(&store, 0.1)?;
    let mut watching = run.watch(&store, Watch::All, 2);
    for _ in 0..3 {
        let loss = model
            .forward(&Tensor::ones([4, 3], (Kind::Float, Device::Cpu)))
            .square()
            .mean(Kind::Float);
        optimizer.zero_grad();
        loss.backward();
        watching.step()?;
        optimizer.step();
        run.log([("loss", crate::scalar(&loss)?)]);
    }
    run.watch(&store, Watch::None, 1).step()?;
    run.finish()?;
    let rows = rows(folder.path());
    let steps: Vec<u64> = rows.iter().map(|row| row.step).collect();
    assert_eq!(steps, [0, 0, 1, 2, 2], "every second step, with the loss of its step");
    let keys: Vec<&str> = rows[0].values.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "gradients/layer.bias",
            "parameters/layer.bias",
            "gradients/layer.weight",
            "parameters/layer.weight"
        ]
    );
    let record::Value::Json(json) = &rows[0].values[2].1 else { panic!("{:?}", rows[0]) };
    let json: serde_json::Value = serde_json::from_str(json)?;
    assert_eq!(json["_type"], "histogram");
    assert_eq!(json["bins"].as_array().map(Vec::len), Some(65));
    let counted: u64 =
        json["values"].as_array().into_iter().flatten().filter_map(serde_json::Value::as_u64).sum();
    assert_eq!(counted, 6);
    Ok(())
}

#[test]
fn every_finite_value_is_counted() -> Result<(), TchError> {
    let sum = |tensor: &Tensor| -> Result<(u64, u64), TchError> {
        let histogram = histogram(tensor, 64)?;
        assert_eq!((histogram.edges().len(), histogram.counts().len()), (65, 64));
        Ok((histogram.counts().iter().sum(), histogram.not_finite()))
    };
    let cpu = Device::Cpu;
    assert_eq!(sum(&Tensor::randn([100, 7], (Kind::Float, cpu)))?, (700, 0));
    assert_eq!(sum(&Tensor::randn([50], (Kind::BFloat16, cpu)))?, (50, 0));
    assert_eq!(sum(&Tensor::from_slice(&[1i64, 2, 3]))?, (3, 0));
    assert_eq!(sum(&Tensor::zeros([9], (Kind::Float, cpu)))?, (9, 0));
    assert_eq!(sum(&Tensor::zeros([0], (Kind::Float, cpu)))?, (0, 0));
    assert_eq!(sum(&Tensor::from_slice(&[f32::NAN, 1.0, f32::INFINITY, 2.0]))?, (2, 2));
    assert_eq!(sum(&Tensor::from_slice(&[f32::NAN; 3]))?, (0, 3));
    assert_eq!(sum(&Tensor::from_slice(&[f32::MIN, 0.0, f32::MAX]))?, (3, 0));
    assert_eq!(sum(&Tensor::from_slice(&[f64::MIN, 0.0, f64::MAX]))?, (3, 0));
    assert_eq!(sum(&Tensor::from_slice(&[f64::MAX, f64::MAX]))?, (2, 0));
    assert_eq!(sum(&Tensor::from_slice(&[1e20f32, 1.000_000_1e20]))?, (2, 0));
    assert!(histogram(&Tensor::zeros([2], (Kind::ComplexFloat, cpu)), 4).is_err());
    let halves = histogram(&Tensor::from_slice(&[0f32, 1.0, 2.0, 3.0, 4.0]), 2)?;
    assert_eq!((halves.edges(), halves.counts()), (&[0.0, 2.0, 4.0][..], &[2, 3][..]));
    Ok(())
}
