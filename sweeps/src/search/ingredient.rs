//! The parts of the Bayesian search that can be left out, one by one, to measure what each is
//! worth: the ablation in `docs/search.md`. Read by the search. A sweep uses them all.

/// A part of the Bayesian search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ingredient {
    /// Cutting the bad tail of the outcomes.
    OutlierCut,
    /// Reshaping the numeric axes.
    InputWarping,
    /// Improving on draws of the best, rather than on the lowest posterior mean; with it go the
    /// pending trials.
    NoisyIncumbent,
    /// Imagining the outcomes of pending trials.
    PendingDraws,
    /// Neglected categories, and more than an improvement, once the best has not moved for a while.
    Exploration,
    /// Believing that the optimum is inside of the ranges rather than at an end.
    InnerOptimum,
    /// Climbing the acquisition function along its gradient.
    Gradients,
}

impl Ingredient {
    /// All of them.
    pub const ALL: [Ingredient; 7] = [
        Ingredient::OutlierCut,
        Ingredient::InputWarping,
        Ingredient::NoisyIncumbent,
        Ingredient::PendingDraws,
        Ingredient::Exploration,
        Ingredient::InnerOptimum,
        Ingredient::Gradients,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Ingredient::OutlierCut => "outlier-cut",
            Ingredient::InputWarping => "input-warping",
            Ingredient::NoisyIncumbent => "noisy-incumbent",
            Ingredient::PendingDraws => "pending-draws",
            Ingredient::Exploration => "exploration",
            Ingredient::InnerOptimum => "inner-optimum",
            Ingredient::Gradients => "gradients",
        }
    }

    /// The ingredient with this name.
    pub fn of(name: &str) -> Option<Ingredient> {
        Ingredient::ALL.into_iter().find(|ingredient| ingredient.name() == name)
    }
}
