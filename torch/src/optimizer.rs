//! Builds optimisers by their names in a sweep's YAML, with torch's default settings. Trainers call
//! it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use tch::{TchError, nn};

use crate::optim::{Optim, Rule};

/// An optimiser with torch's default settings; use [`Optim::new`] for other settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Optimizer {
    /// Adam with the betas 0.9 and 0.999.
    #[default]
    Adam,
    /// Adam with decoupled weight decay of 0.01.
    AdamW,
    /// Plain stochastic gradient descent without momentum.
    Sgd,
}

impl Optimizer {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Adam, "Adam"), (Self::AdamW, "AdamW"), (Self::Sgd, "SGD")];

    /// Builds an optimiser of this kind over all variables that `store` has now; `learning_rate`
    /// must be at least 0.
    ///
    /// # Errors
    /// Fails if torch refuses the learning rate.
    pub fn build(self, store: &nn::VarStore, learning_rate: f64) -> Result<Optim, TchError> {
        let rule: Rule = match self {
            Self::Adam => nn::Adam::default().into(),
            Self::AdamW => nn::AdamW::default().into(),
            Self::Sgd => nn::Sgd::default().into(),
        };
        Optim::new(store, rule, learning_rate)
    }
}

impl fmt::Display for Optimizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, name) =
            Self::ALL.iter().find(|(kind, _)| kind == self).expect("ALL lists every kind");
        f.write_str(name)
    }
}

impl FromStr for Optimizer {
    type Err = UnknownOptimizer;

    /// Parses the name of an optimiser. Upper and lower case do not matter.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().find(|(_, known)| known.eq_ignore_ascii_case(name));
        found.map(|(kind, _)| *kind).ok_or_else(|| UnknownOptimizer(name.to_owned()))
    }
}

impl TryFrom<String> for Optimizer {
    type Error = UnknownOptimizer;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl From<Optimizer> for String {
    fn from(optimizer: Optimizer) -> Self {
        optimizer.to_string()
    }
}

/// The error for a name that is not the name of an optimiser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownOptimizer(String);

impl fmt::Display for UnknownOptimizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no optimizer `{}`: there are Adam, AdamW and SGD", self.0)
    }
}

impl std::error::Error for UnknownOptimizer {}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind, Tensor};

    #[test]
    fn names_are_the_same_as_in_the_yaml() {
        for (kind, name) in Optimizer::ALL {
            let json = format!("\"{name}\"");
            assert_eq!(serde_json::from_str::<Optimizer>(&json).expect("a known name"), kind);
            assert_eq!(serde_json::to_string(&kind).expect("a string"), json);
            assert_eq!(name.to_lowercase().parse(), Ok(kind));
        }
        let error =
            serde_json::from_str::<Optimizer>("\"Adagrad\"").expect_err("unknown").to_string();
        assert!(error.contains("no optimizer `Adagrad`: there are Adam, AdamW and SGD"), "{error}");
    }

    #[test]
    fn every_kind_reduces_the_loss() -> Result<(), TchError> {
        for (kind, _) in Optimizer::ALL {
            let store = nn::VarStore::new(Device::Cpu);
            let x = store.root().f_var_copy("x", &Tensor::from_slice(&[3f32, -2.0]))?;
            let mut optimizer = kind.build(&store, 0.05)?;
            let loss = || x.square().sum(Kind::Float);
            let before = f64::try_from(loss())?;
            for _ in 0..50 {
                optimizer.backward_step(&loss())?;
            }
            assert!(f64::try_from(loss())? < before / 2.0, "{kind}");
        }
        Ok(())
    }
}
