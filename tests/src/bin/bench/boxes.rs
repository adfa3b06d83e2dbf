//! Wiring. Boxes that are measured.
use std::path::Path;

use beadle_tests::{
    Done, Trouble,
    hub::time,
    measure::{Cost, cost},
    town::{Plan, Town},
    wait::{self, Look},
};
use shared::time::Utc;

/// A box without a hub whose cameras all record.
pub fn boxed(folder: &Path, plan: Plan, cams: usize) -> Done<Town> {
    let mut town = Town::make(folder, plan)?.labelled()?.started()?;
    let since = wait::now();
    let ids = town.cameras.clone();
    wait::until("every camera records", 120, || {
        town.must_run()?;
        let good = ids
            .iter()
            .filter(|id| town.landed(id).is_some_and(|t| t > since));
        let good = good.count();
        Ok(if good >= cams {
            Look::Yes(())
        } else {
            Look::NotYet(format!("{good} of {cams}"))
        })
    })?;
    Ok(town)
}

/// What recorder, its workers, and reader have cost so far.
pub fn spent(town: &Town) -> Done<Cost> {
    [&town.recorder, &town.reader]
        .into_iter()
        .flatten()
        .try_fold(Cost::default(), |sum, p| Ok(sum.plus(cost(p.pid())?)))
}

/// Nothing may have gone wrong while it was measured.
pub fn undisturbed(town: &Town, since: Utc, how: &str) -> Done<()> {
    for kind in ["seg.gap", "mask.fail"] {
        for line in town.lines_of(kind, None) {
            if time(&line["data"]["t1"]).is_ok_and(|t| t > since) {
                return Err(Trouble(format!("while measuring: {}", line["data"])));
            }
        }
    }
    match town
        .lines_of("seg.write", None)
        .iter()
        .find(|l| l["data"]["how"] != how)
    {
        Some(line) => Err(Trouble(format!("not {how}: {}", line["data"]))),
        None => Ok(()),
    }
}
