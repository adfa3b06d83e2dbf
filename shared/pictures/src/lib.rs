//! Wiring. The picture worker: compressed pictures in, compressed pictures with the mask painted in out.
//!
//! One process per masked camera, started by the box's daemon, spoken to over stdin and stdout ([`wire`]), with no files,
//! no network and no keys ([`sandbox`]). A picture's way: [`wire`] → [`av::Decoder`] → [`av::Canvas`] (which copies only
//! what lies outside the mask, [`spans`]) → [`av::Encoder`] → [`nal`] → [`wire`].
//!
//! Whatever goes wrong, nothing unmasked leaves: the encoder is only ever given a [`av::Canvas`]'s picture, and the bytes
//! under the mask are not copied into it in the first place.
pub mod av;
pub mod mask;
pub mod nal;
pub mod sandbox;
pub mod spans;
pub mod wire;
