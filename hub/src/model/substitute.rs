//! Pure. A mask that is to hide while another is lifted.

use serde::{Deserialize, Serialize};
use shared::{mask::Mask, record::hex};
use utoipa::ToSchema;

/// A mask that is to hide meanwhile, for whoever approves it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Substitute {
    pub id: String,
    /// solid, pixelated
    pub style: String,
    /// Thousandths of the picture.
    pub permille: u64,
    /// SHA-256 of the polygons, lower hex.
    pub sha256: String,
}

impl Substitute {
    pub fn of(mask: &Mask) -> Self {
        Self {
            id: mask.id.clone(),
            style: mask.style.code().into(),
            permille: mask.permille(),
            sha256: hex(&mask.digest()),
        }
    }

    pub fn in_words(&self) -> String {
        format!(
            "{} hides ({}, {}.{} % of the picture, polygons SHA-256 {})",
            self.id,
            self.style,
            self.permille / 10,
            self.permille % 10,
            self.sha256
        )
    }
}
