//! Names the parts of the Bayesian search that can be left out, one by one, to measure what each is
//! worth: the ablation in `docs/search.md`. The search reads them. A sweep uses them all.

/// A part of the Bayesian search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ingredient {
    /// The cut of the bad tail of the outcomes.
    OutlierCut,
    /// The reshaping of the numeric axes.
    InputWarping,
    /// The improvement on draws of the best, rather than on the lowest posterior mean. Without it,
    /// no pending trial is imagined either.
    NoisyIncumbent,
    /// The imagined outcomes of pending trials.
    PendingDraws,
    /// The exploration once the best has not moved for a while: it tries neglected categories, or
    /// asks for more than an improvement.
    Exploration,
    /// The belief that the optimum is inside of the ranges rather than at an end.
    InnerOptimum,
    /// The climb of the acquisition function along its gradient.
    Gradients,
}

impl Ingredient {
    /// All ingredients.
    pub const ALL: [Ingredient; 7] = [
        Ingredient::OutlierCut,
        Ingredient::InputWarping,
        Ingredient::NoisyIncumbent,
        Ingredient::PendingDraws,
        Ingredient::Exploration,
        Ingredient::InnerOptimum,
        Ingredient::Gradients,
    ];

    /// Returns its name on the command line.
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

    /// Returns the ingredient with this name.
    pub fn of(name: &str) -> Option<Ingredient> {
        Ingredient::ALL.into_iter().find(|ingredient| ingredient.name() == name)
    }
}
