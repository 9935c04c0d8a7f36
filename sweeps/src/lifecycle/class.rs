//! Classes of failure, and how often a run is tried again after an attempt of each. Named by the
//! YAML's `retry`, by agents and by the controller, which does the counting. Never knows a run.

/// Why an attempt came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The program could not be started.
    Start,
    /// It ended badly.
    Error,
    /// The kernel ended it for want of memory.
    OutOfMemory,
    /// It ran for longer than the sweep allows.
    Timeout,
    /// It ended badly, and the sweep's metric was not finite any more.
    Diverged,
    /// Nothing was heard of it any more.
    Lost,
}

impl Class {
    /// All classes, for tables and tests.
    pub const ALL: [Class; 6] = [
        Class::Start,
        Class::Error,
        Class::OutOfMemory,
        Class::Timeout,
        Class::Diverged,
        Class::Lost,
    ];

    /// The word that people, rows, YAML and wire use.
    pub fn name(self) -> &'static str {
        match self {
            Class::Start => "start",
            Class::Error => "error",
            Class::OutOfMemory => "out_of_memory",
            Class::Timeout => "timeout",
            Class::Diverged => "diverged",
            Class::Lost => "lost",
        }
    }

    /// The inverse of [`Class::name`].
    pub fn from_name(name: &str) -> Option<Class> {
        Class::ALL.into_iter().find(|class| class.name() == name)
    }
}

/// How many further attempts a run gets after those that failed, by class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry([u32; Class::ALL.len()]);

impl Default for Retry {
    /// A lost attempt says nothing of the trial, so it is made up for twice. Any other failure
    /// would only come again.
    fn default() -> Self {
        let mut retry = Self([0; Class::ALL.len()]);
        retry.set(Class::Lost, 2);
        retry
    }
}

impl Retry {
    /// How many further attempts failures of this class are worth.
    pub fn of(&self, class: Class) -> u32 {
        self.0[class as usize]
    }

    /// Failures of this class are worth so many further attempts.
    pub fn set(&mut self, class: Class, attempts: u32) {
        self.0[class as usize] = attempts;
    }

    /// Whether a run is tried again, of which so many attempts have failed in this class, the
    /// newest among them.
    pub fn allows(&self, class: Class, failed: u32) -> bool {
        failed <= self.of(class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_read_back() {
        for class in Class::ALL {
            assert_eq!(Class::from_name(class.name()), Some(class));
        }
    }

    #[test]
    fn each_class_has_attempts_of_its_own() {
        let mut retry = Retry::default();
        retry.set(Class::Error, 1);
        let allowed = |class| (1..=4).filter(|failed| retry.allows(class, *failed)).count();
        assert_eq!(Class::ALL.map(allowed), [0, 1, 0, 0, 0, 2]);
    }
}
