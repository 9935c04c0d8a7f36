//! Provides Gaussian-process regression and expected improvement, as far as the Bayesian search
//! needs them. `search` calls this module. The module never sees a parameter, a metric or a trial.
//! The inputs of a model are coordinates. The outputs are standardised, and lower outputs are
//! better. Every computation runs on one thread (`Par::Seq`), so that sums have one order and
//! results one value.
//!
//! The notation follows Rasmussen and Williams, "Gaussian Processes for Machine Learning", chapters
//! 2 and 5:
//!
//! | here | there | meaning |
//! |---|---|---|
//! | `inputs`, n and d | X | coordinates: numeric ones in [0, 1], categories as indices |
//! | `targets` | y | standardised outputs |
//! | `mean` | m | the constant prior mean |
//! | `amplitude` | σ² | prior variance of the function |
//! | `lengths` | ℓ | one length scale per dimension |
//! | `noise` | σₙ² | variance of an observation around the function |
//! | `Factor` | L | K + σₙ² I = L Lᵀ, lower triangular |
//! | `weights` | α | (K + σₙ² I)⁻¹ (y - m) |
//! | `theta` | θ | the logarithms of ℓ₁, .., ℓ_d, σ², σₙ² less a floor, and the warp's exponents |

mod acquire;
mod exp;
mod factor;
mod fit;
mod kernel;
mod model;
mod predict;
mod warp;

pub(crate) use acquire::{Acquisition, Height};
pub(crate) use fit::{Data, fit};
pub(crate) use kernel::Dimension;
pub(crate) use model::{Form, Hyperparameters};
pub(crate) use predict::{Average, LeftOut, Posterior};
