//! What the model asks of no store.

use super::world::Handle;
use crate::store::fake::unused::Unused;

impl Unused for Handle {}
