//! Names the classes of failure, and says how many further attempts a run gets after failures of
//! each. The YAML's `retry`, agents and the controller name classes; the controller counts the
//! failures. This module never sees a run.

/// The reason why an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The program could not be started.
    Start,
    /// The program ended with an error.
    Error,
    /// The kernel killed the program because memory ran out.
    OutOfMemory,
    /// The program ran for longer than the sweep allows.
    Timeout,
    /// The program ended with an error, and the sweep's metric was no longer finite.
    Diverged,
    /// Neither the agent nor the program reported how the attempt ended.
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

    /// Returns the word that users, rows, the YAML and the wire use.
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

    /// Inverts [`Class::name`].
    pub fn from_name(name: &str) -> Option<Class> {
        Class::ALL.into_iter().find(|class| class.name() == name)
    }
}

/// The number of further attempts that a run gets after failed ones, by class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry([u32; Class::ALL.len()]);

impl Default for Retry {
    /// Allows two further attempts after lost ones, since these say nothing about the trial. Any
    /// other failure would only come again.
    fn default() -> Self {
        let mut retry = Self([0; Class::ALL.len()]);
        retry.set(Class::Lost, 2);
        retry
    }
}

impl Retry {
    /// Returns how many further attempts failures of this class are worth.
    pub fn of(&self, class: Class) -> u32 {
        self.0[class as usize]
    }

    /// Sets how many further attempts failures of this class are worth.
    pub fn set(&mut self, class: Class, attempts: u32) {
        self.0[class as usize] = attempts;
    }

    /// Returns whether a run gets another attempt after `failed` attempts failed in this class, the
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
