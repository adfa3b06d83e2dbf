//! Pure. What the log is told of a mask that is in force.
use shared::{id::CameraId, mask::Mask, record::hex, types::MaskSet};

pub fn set(cam: &CameraId, mask: &Mask, reviewer: Option<String>, order: Option<u64>) -> MaskSet {
    MaskSet {
        cam: cam.clone(),
        mask: mask.id.clone(),
        sha256: hex(&mask.digest()),
        permille: mask.permille(),
        review: mask.review,
        style: Some(mask.style.code().into()),
        how: Some(mask.how.code().into()),
        reviewer,
        order,
    }
}
