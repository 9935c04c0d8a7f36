//! Names the classes of failure, and the number of further attempts that a run gets after failures
//! of each class. The YAML's `retry`, agents and the controller name classes. The controller counts
//! the failures. This module never sees a run.

/// The reason why an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The program could not be started. A shell's exit codes 126 and 127 count too.
    Start,
    /// The program ended with an error.
    Error,
    /// The kernel killed the program because memory ran out.
    OutOfMemory,
    /// The attempt ran for longer than the sweep's `timeout`.
    Timeout,
    /// The program ended with an error, and the last value of the sweep's metric was NaN or
    /// infinite.
    Diverged,
    /// The attempt's lease ran out, its agent no longer has it, or the program ended badly and its
    /// GPU does not respond.
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

    /// Returns the class with this name, or `None` if there is none.
    pub fn from_name(name: &str) -> Option<Class> {
        Class::ALL.into_iter().find(|class| class.name() == name)
    }
}

/// The number of further attempts that a run gets after failed ones, by class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry([u32; Class::ALL.len()]);

impl Default for Retry {
    /// Allows two further attempts after lost attempts, since a lost attempt says nothing about the
    /// trial. Allows none after any other failure, which would probably occur again.
    fn default() -> Self {
        let mut retry = Self([0; Class::ALL.len()]);
        retry.set(Class::Lost, 2);
        retry
    }
}

impl Retry {
    /// Returns the number of further attempts that a run gets after failures of this class.
    pub fn of(&self, class: Class) -> u32 {
        self.0[class as usize]
    }

    /// Sets the number of further attempts that a run gets after failures of this class.
    pub fn set(&mut self, class: Class, attempts: u32) {
        self.0[class as usize] = attempts;
    }

    /// Returns whether a run gets another attempt. `failed` is the number of its attempts that
    /// failed in this class, including the newest.
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
