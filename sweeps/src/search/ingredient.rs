//! Names the parts of the Bayesian search that a benchmark can leave out one by one. So the
//! ablation in `docs/search.md` measures the effect of each part. The search asks a study which
//! parts it uses. A sweep uses all of them.

/// A part of the Bayesian search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ingredient {
    /// The cut of the bad tail of the outcomes.
    OutlierCut,
    /// The reshaping (warp) of the numeric axes.
    InputWarping,
    /// The incumbent of each draw of the function, in place of the lowest posterior mean. Without
    /// this ingredient, the search draws no outcomes of pending trials either.
    NoisyIncumbent,
    /// The drawn outcomes of pending trials.
    PendingDraws,
    /// The exploration after many trials without a better value. Exploring trials get a neglected
    /// value of a category, or have to improve by more.
    Exploration,
    /// The weight on points whose coordinates are inside of the ranges rather than at an end.
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

    /// Returns the ingredient's name on the command line.
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
