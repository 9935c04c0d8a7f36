//! Finds the controller's address and the token, and makes the clients that call the controller.
//! All code of the SDK that calls the controller gets its client from an [`Endpoint`].

use proto::dial::{BadAddress, CONTROLLER_VAR, DEFAULT_CONTROLLER, Dial, TOKEN_VAR};
use tokio::runtime::Runtime;

use crate::environment::variable;

/// The address of the controller and the token for it.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    /// The address, such as `http://127.0.0.1:7070`.
    pub(crate) controller: String,
    /// The token that every call carries. With `None`, calls carry no token, so only a controller
    /// without a token accepts them.
    pub(crate) token: Option<String>,
}

impl Endpoint {
    /// Takes the given address, else the address in `BESOM_CONTROLLER`, else the default address.
    /// The token always comes from `BESOM_TOKEN`.
    pub(crate) fn find(controller: Option<String>) -> Self {
        let controller = controller.or_else(|| variable(CONTROLLER_VAR));
        Self {
            controller: controller.unwrap_or_else(|| DEFAULT_CONTROLLER.to_owned()),
            token: variable(TOKEN_VAR),
        }
    }

    /// Makes the clients, which run on this runtime. Each client connects with its first call.
    ///
    /// Fails if the address or the token has no valid form.
    pub(crate) fn dial(&self, runtime: &Runtime) -> Result<Dial, BadAddress> {
        let _inside = runtime.enter();
        Dial::new(&self.controller, self.token.as_deref())
    }
}
