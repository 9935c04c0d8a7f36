//! Says where the controller is and how to speak to it. Everything that calls the controller starts
//! with an [`Endpoint`].

use proto::dial::{BadAddress, CONTROLLER_VAR, DEFAULT_CONTROLLER, Dial, TOKEN_VAR};
use tokio::runtime::Runtime;

use crate::environment::variable;

/// The address of the controller and the token for it.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    /// The address, such as `http://127.0.0.1:7070`.
    pub(crate) controller: String,
    /// The token. With `None` the controller answers only the calls that it answers without a
    /// token.
    pub(crate) token: Option<String>,
}

impl Endpoint {
    /// Takes the given address, else the address in the environment, else the default. The token
    /// always comes from the environment.
    pub(crate) fn find(controller: Option<String>) -> Self {
        let controller = controller.or_else(|| variable(CONTROLLER_VAR));
        Self {
            controller: controller.unwrap_or_else(|| DEFAULT_CONTROLLER.to_owned()),
            token: variable(TOKEN_VAR),
        }
    }

    /// Makes the clients. They connect with their first call on this runtime.
    ///
    /// Fails if the address or the token has no valid form.
    pub(crate) fn dial(&self, runtime: &Runtime) -> Result<Dial, BadAddress> {
        let _inside = runtime.enter();
        Dial::new(&self.controller, self.token.as_deref())
    }
}
