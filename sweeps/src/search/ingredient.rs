//! The parts of the Bayesian search that can be left out, one by one, to measure what each is worth: the ablation in
//! `docs/search.md`. Read by the search. A sweep uses them all.

/// A part of the Bayesian search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ingredient {
    /// Reshaping of the outcomes until they look like a Gaussian process's.
    OutputTransform,
    /// Reshaping of the numeric axes.
    InputWarping,
    /// Improvement over draws of the best, rather than over the lowest posterior mean.
    NoisyIncumbent,
}

impl Ingredient {
    /// All of them.
    pub const ALL: [Ingredient; 3] =
        [Ingredient::OutputTransform, Ingredient::InputWarping, Ingredient::NoisyIncumbent];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Ingredient::OutputTransform => "output-transform",
            Ingredient::InputWarping => "input-warping",
            Ingredient::NoisyIncumbent => "noisy-incumbent",
        }
    }

    /// The ingredient with this name.
    pub fn of(name: &str) -> Option<Ingredient> {
        Ingredient::ALL.into_iter().find(|ingredient| ingredient.name() == name)
    }
}
