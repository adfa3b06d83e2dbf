//! Pure. Reasons of pages: forms and addresses that are none of theirs, and copies that are not there.

use shared::id::ExhibitRef;

use super::table::reasons;

reasons! {
    Pages {
        NoSuchPage => Missing "no-such-page",
        FormOfAnotherSession => NotAllowed "form-of-another-session",
        NoSuchAct => Malformed "no-such-act",
        /// `status`: what the reader of forms made of it.
        FormUnfit { status: u16 } => Malformed "form-unfit",
        NoSuchCamera => Missing "no-such-camera",
        NoSuchDocument => Missing "no-such-document",
        NoSuchExhibit => Missing "no-such-exhibit",
        TooManySigningIn => Unreachable "too-many-signing-in",

        /// It was; `why`: who had a part in its end, and when.
        Disposed { exhibit: ExhibitRef, why: String } => Missing "clip-disposed",
        PurposeFirst { exhibit: ExhibitRef } => NotAllowed "purpose-first",
        NoSuchCopy => Missing "no-such-copy",
        NoPackageYet => Missing "no-package-yet",
        NoCertificateInPackage => Missing "no-certificate-in-package",
    }
}

impl Pages {
    /// Where HTTP has a status of its own for it.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::FormUnfit { status } => Some(*status),
            Self::Disposed { .. } => Some(410),
            _ => None,
        }
    }
}
