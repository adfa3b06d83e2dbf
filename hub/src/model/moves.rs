//! Pure. Where boxes were told that the hub will be, and how far each is.

use serde::{Deserialize, Serialize};
use shared::{id::BoxName, time::Utc};
use utoipa::ToSchema;

/// How far a box is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MoveState {
    /// Nothing was ordered of it.
    None,
    /// It was not on the line since.
    Waiting,
    /// The order went out, and its answer is not here.
    Told,
    /// It has kept where the hub will be.
    Known,
    Refused,
}

impl MoveState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Waiting => "waiting",
            Self::Told => "told",
            Self::Known => "known",
            Self::Refused => "refused",
        }
    }

    pub fn of(text: &str) -> Self {
        match text {
            "told" => Self::Told,
            "known" => Self::Known,
            "refused" => Self::Refused,
            _ => Self::Waiting,
        }
    }
}

/// What a box knows of where the hub will be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MoveRow {
    #[schema(value_type = String)]
    pub name: BoxName,
    pub state: MoveState,
    pub online: bool,
    pub last_seen: Option<Utc>,
    /// The order for it, and where it says that the hub is.
    pub order: Option<u64>,
    pub hub: Option<String>,
    pub second: Option<String>,
    pub lookup: Option<String>,
    /// Since when it is in that state.
    pub since: Option<Utc>,
    /// Refused: of docs/orders.md.
    pub code: Option<String>,
}

/// Boxes, and where they were told that the hub will be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Moves {
    /// Where the newest order says that the hub is.
    pub hub: Option<String>,
    pub second: Option<String>,
    /// Boxes that know it, of all that are not revoked.
    pub known: u64,
    pub of: u64,
    pub boxes: Vec<MoveRow>,
}
