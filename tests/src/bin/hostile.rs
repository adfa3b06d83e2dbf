//! Wiring. A recorder that was taken over, as a program: `hostile STATE VOLUME BOX CAM`, run as the recorder's user on a test machine.
//!
//! It looks for what that user may read and write, plants identities, says every message of the reader's socket, and does so again while it
//! renames, links and swaps each folder and file it can touch. It judges nothing: what it did and was answered is one JSON object
//! ([`beadle_tests::hostile::Report`]); what became of the reader's files is for whoever runs it to see.
use std::path::Path;

fn main() -> beadle_tests::Done<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [state, volume, name, cam] = words.as_slice() else {
        return Err(beadle_tests::Trouble::new(
            "usage: hostile STATE VOLUME BOX CAM",
        ));
    };
    let report = beadle_tests::hostile::attack(Path::new(state), Path::new(volume), name, cam)?;
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}
