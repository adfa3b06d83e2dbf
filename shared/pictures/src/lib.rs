//! Wiring. The picture worker: compressed pictures in, compressed pictures with the mask painted in out.
//!
//! One process per masked camera, started by the box's daemon, spoken to over stdin and stdout ([`wire`]), with no files,
//! no network and no keys ([`sandbox`]). Its task ([`mask`]) is one of three:
//! - [`paint`]: [`wire`] → [`av::Decoder`] → [`av::Canvas`] (which copies only what lies outside the mask, [`spans`], and
//!   under a pixelated one the means of its [`cells`]) → [`av::Encoder`] → [`nal`] → [`wire`]. Overload: [`shed`].
//! - [`prove`]: key pictures of a camera that masks by itself; decoded alone, each polygon tested ([`proof`]).
//! - [`still`]: one key picture as a JPEG.
//!
//! [`measure`] says beforehand what the first would cost.
//!
//! Whatever goes wrong, nothing unmasked leaves the first: the encoder is only ever given a [`av::Canvas`]'s picture, and the
//! bytes under the mask are not copied into it in the first place.
pub mod av;
pub mod cells;
mod judge;
pub mod mask;
pub mod measure;
pub mod nal;
pub mod outline;
pub mod paint;
pub mod proof;
pub mod prove;
pub mod sandbox;
pub mod shed;
pub mod spans;
pub mod still;
#[cfg(test)]
mod testing;
pub mod wire;
