//! Parses the period of samples: "off", or a number of seconds from 0.1 to 86400. The SDK's
//! settings and the agent's flags use this module.

use std::{str::FromStr, time::Duration};

/// The environment variable that sets the period of system metrics, for agents and for runs outside
/// of sweeps.
pub const PERIOD_VAR: &str = "BESOM_SYSTEM_METRICS";

const DEFAULT: Duration = Duration::from_secs(10);
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The time between two samples; `None` if no samples are taken. The default is 10 seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period(Option<Duration>);

impl Period {
    /// The setting that takes no samples.
    pub const OFF: Self = Self(None);

    /// Returns a setting with this period, clamped to 0.1 seconds to one day.
    pub fn every(period: Duration) -> Self {
        Self(Some(period.clamp(SHORTEST, LONGEST)))
    }

    /// Returns the time between two samples; `None` if no samples are taken.
    pub fn get(self) -> Option<Duration> {
        self.0
    }
}

impl Default for Period {
    fn default() -> Self {
        Self(Some(DEFAULT))
    }
}

/// The error for a text that is not a period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither `off` nor a number of seconds from 0.1 to 86400")]
pub struct BadPeriod(String);

impl FromStr for Period {
    type Err = BadPeriod;

    fn from_str(text: &str) -> Result<Self, BadPeriod> {
        if text == "off" {
            return Ok(Self::OFF);
        }
        text.parse()
            .ok()
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .filter(|period| (SHORTEST..=LONGEST).contains(period))
            .map(|period| Self(Some(period)))
            .ok_or_else(|| BadPeriod(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_off_or_a_number_of_seconds() {
        assert_eq!("off".parse(), Ok(Period::OFF));
        assert_eq!("0.5".parse(), Ok(Period::every(Duration::from_millis(500))));
        assert_eq!("10".parse(), Ok(Period::default()));
        for bad in ["", "0", "-1", "nan", "inf", "1e9", "10s", "Off"] {
            assert_eq!(bad.parse::<Period>(), Err(BadPeriod(bad.to_owned())));
        }
        assert_eq!(Period::every(Duration::ZERO).get(), Some(SHORTEST));
    }
}
