//! Turns a failed heartbeat into the failure with which the agent ends.

use proto::dial;
use terminal::{Exit, Failure};
use tonic::{Code, Status};

/// Returns the failure of an agent that got no answer at this address.
pub fn nobody(controller: &str, status: &Status) -> Failure {
    let failure = Failure::new(Exit::Unreachable, format!("no controller at {controller}"));
    let failure = match dial::is_refused(status) {
        true => failure,
        false => failure.detail(format!("  {}", dial::reason(status))),
    };
    failure.hint(dial::advice(status).unwrap_or_else(|| {
        "`controller` starts one; --controller or BESOM_CONTROLLER names another address".to_owned()
    }))
}

/// Returns the failure of an agent that the controller at this address has refused.
pub fn refused(controller: &str, status: &Status) -> Failure {
    let failure = if status.code() == Code::NotFound {
        Failure::new(Exit::Input, format!("{} at {controller}", status.message()))
    } else {
        Failure::new(Exit::Refused, status.message())
    };
    match dial::hint(status) {
        Some(hint) => failure.hint(hint),
        None if status.code() == Code::NotFound => failure.hint("`sweep ls` shows what there is"),
        None => failure,
    }
}
