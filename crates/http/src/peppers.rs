//! `/v1/peppers`: list, rotate, retire.

pub(crate) mod list;
pub(crate) mod retire;
pub(crate) mod rotate;

use claviger_api::peppers::{Pepper, Peppers};
use claviger_domain::receipt::Receipt;
use claviger_service::peppers::PepperState;

use crate::tokens::wire;

/// The live peppers, without their keys.
fn shown(peppers: Vec<PepperState>, receipt: Option<&Receipt>) -> Peppers {
    let shown = |pepper: PepperState| Pepper {
        id: pepper.id.to_string(),
        current: pepper.current,
        tokens: pepper.tokens,
        live_tokens: pepper.live_tokens,
    };
    Peppers {
        data: peppers.into_iter().map(shown).collect(),
        receipt: receipt.map(wire::receipt),
    }
}
