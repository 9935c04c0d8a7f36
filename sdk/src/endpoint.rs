//! Finds the controller's address, the token and the trust, and makes the clients that call the
//! controller. All code of the SDK that calls the controller gets its client from an [`Endpoint`].

use proto::dial::{
    BadAddress, CONTROLLER_VAR, DEFAULT_CONTROLLER, Dial, INSECURE_VAR, Reach, TOKEN_VAR,
    TRUST_VAR, allows,
};
use tokio::runtime::Runtime;

use crate::environment::variable;

/// How the SDK reaches the controller.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint(pub(crate) Reach);

impl Endpoint {
    /// Takes the given address, else the address in `BESOM_CONTROLLER`, else the default address.
    /// Everything else comes from the environment; a missing token comes from `sweep login`.
    pub(crate) fn find(controller: Option<String>) -> Self {
        let controller = controller.or_else(|| variable(CONTROLLER_VAR));
        let reach = Reach {
            controller: controller.unwrap_or_else(|| DEFAULT_CONTROLLER.to_owned()),
            token: variable(TOKEN_VAR),
            trust: variable(TRUST_VAR),
            insecure: variable(INSECURE_VAR).is_some_and(|text| allows(&text)),
        };
        Self(reach.with_stored_key())
    }

    /// Makes the clients, which run on this runtime. Each client connects with its first call.
    ///
    /// Fails if the address, the token or the trust has no valid form, or if the calls would go
    /// over a network without TLS and nobody has allowed it.
    pub(crate) fn dial(&self, runtime: &Runtime) -> Result<Dial, BadAddress> {
        let _inside = runtime.enter();
        Dial::reach(&self.0)
    }
}
