//! Where the controller is and how to speak to it. Everything that calls the controller starts with
//! an [`Endpoint`].

use proto::dial::{BadAddress, CONTROLLER_VAR, DEFAULT_CONTROLLER, Dial, TOKEN_VAR};
use tokio::runtime::Runtime;

use crate::environment::variable;

/// The address of the controller, and the token that it accepts.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    /// Such as `http://127.0.0.1:7070`.
    pub(crate) controller: String,
    /// Without a token the controller only answers what it answers anybody.
    pub(crate) token: Option<String>,
}

impl Endpoint {
    /// Takes the given address, else the one in the environment, else the default; and the token
    /// in the environment.
    pub(crate) fn find(controller: Option<String>) -> Self {
        let controller = controller.or_else(|| variable(CONTROLLER_VAR));
        Self {
            controller: controller.unwrap_or_else(|| DEFAULT_CONTROLLER.to_owned()),
            token: variable(TOKEN_VAR),
        }
    }

    /// Makes the clients, which connect with their first call on this runtime.
    ///
    /// # Errors
    /// Fails if the address or the token has no valid form.
    pub(crate) fn dial(&self, runtime: &Runtime) -> Result<Dial, BadAddress> {
        let _inside = runtime.enter();
        Dial::new(&self.controller, self.token.as_deref())
    }
}
