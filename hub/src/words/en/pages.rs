//! Pure. English for what pages refuse.

use crate::{
    reason::Pages::{self, *},
    words::text::{Text, say},
};

pub fn of(reason: &Pages) -> Text {
    match reason {
        NoSuchPage => say!("there is no such page"),
        FormOfAnotherSession => say!(
            "this form does not belong to your session; nothing was done"; "open the page again"
        ),
        NoSuchAct => say!("there is no such act; nothing was done"),
        FormUnfit { status: 422 } => say!(
            "something was missing in the form, or was not as our pages send it; nothing was done"
        ),
        FormUnfit { status: 415 } => {
            say!("only forms of our pages are taken here; nothing was done")
        }
        FormUnfit { status: 400 } => {
            say!("the address or the form cannot be read; nothing was done")
        }
        FormUnfit { .. } => say!("this cannot be answered; nothing was done"),
        NoSuchCamera => say!("there is no such camera"),
        NoSuchDocument => {
            say!("there is no such paper"; "papers are named like label.pdf or label.txt: the exhibit's page links those there are")
        }
        NoSuchExhibit => say!("there is no such exhibit"),
        TooManySigningIn => say!(
            "too many people are signing in just now; nothing was done"; "try again in some minutes"
        ),
        Disposed { exhibit, why } => say!("{exhibit} {why}"),
        PurposeFirst { exhibit } => {
            say!("give a purpose and a reference on the page of {exhibit} first")
        }
        NoSuchCopy => say!("there is no such copy"),
        NoPackageYet => say!("there is no package yet"),
        NoCertificateInPackage => say!("there is no certificate in this package that can be read"),
    }
}
