//! Pure. English about what is kept as evidence, and its disposal.

use crate::{
    periods::CLASSES,
    reason::Evidence::{self, *},
    words::{
        en::pulls::disposed,
        text::{Text, say},
    },
};

pub fn of(reason: &Evidence) -> Text {
    match reason {
        ClassNeedsReview => {
            say!("class review needs the day of the review (--review 2027-05-01)")
        }
        ClassHasItsPeriod { class } => {
            say!("class {class} has its own period; a review day goes with class review only")
        }
        ClassUnknown { class } => say!(
            "{class:?} is not a class of evidence; classes are {}",
            CLASSES.join(", ")
        ),
        ReviewPassed { review } => say!("the review day {review} has passed"),
        ReviewTooFar { days, last } => say!(
            "a review may be {days} days ahead at most, so on {last} ([periods] review_days in hub.toml)";
            "give a new day then"
        ),
        Disposed { exhibit, note } => say!(
            "{exhibit} {}", disposed(note);
            "`beadle-hub evidence certificate {exhibit}` shows its certificate"
        ),
        StillPulled { exhibit, state } => say!(
            "{exhibit} is still being pulled ({}); nothing of it can be disposed of or classed anew before that is over",
            state.as_str()
        ),
        NothingGiven {
            exhibit,
            state,
            days,
        } => say!(
            "{exhibit} gave no exhibit ({}); what was fetched for it goes by itself {days} days after its end",
            state.as_str()
        ),
        KeptSoAlready { exhibit, class } => {
            say!("{exhibit} is kept so already: {class}; nothing was changed")
        }
        WantedElsewhere { exhibit, by } => {
            say!("{by} wants the footage of {exhibit} too, so it stays; nothing was disposed of")
        }
        DisposalAsked { exhibit, by } => say!(
            "{by} asked for this already"; "approve it with `beadle-hub evidence approve {exhibit}`"
        ),
        DisposalNotAsked { exhibit } => say!(
            "nobody asked that {exhibit} be disposed of";
            "ask with `beadle-hub evidence dispose {exhibit} --reason …`, and a second person approves"
        ),
        DisposalBegun { exhibit } => {
            say!("{exhibit} is disposed of already, or is about to be")
        }
        DisposalIncomplete { exhibit, why } => say!(
            "the disposal of {exhibit} is on the record but not complete: {why}. There is no certificate yet; it is tried again each hour and at the hub's start"
        ),
        NotDisposed { exhibit, state } => say!(
            "{exhibit} has not been disposed of ({})", state.as_str();
            "`beadle-hub evidence list` says how long it is kept"
        ),
        NoCertificateYet { exhibit } => say!(
            "the disposal of {exhibit} is not complete, so there is no certificate";
            "`beadle-hub evidence list --due` says what is in its way"
        ),
        PackageNotThere { exhibit, package } => say!(
            "the package of {exhibit} is not at {package}; nothing was disposed of. If its disk is not mounted, mount it; if the package was removed by hand, make that folder again, empty, so that the rest can be disposed of"
        ),
        OtherFolder { folder } => say!(
            "{} is not the folder in which this was begun: is its disk mounted?",
            folder.display()
        ),
        NotRemoved { first, more: 0 } => say!("{first}"),
        NotRemoved { first, more } => say!("{first} (and {more} more like this)"),
        StillThere { count, named } => say!(
            "{count} files or folders that bear its name are still there: {}",
            named.join(", ")
        ),
        KeyStillOpens { keys } => {
            say!(
                "a key in {} still opens what was sealed for it",
                keys.display()
            )
        }
    }
}
