//! Wiring. `beadle-edge doctor`: one line for each thing looked at. Exit status 0, 1 or 2 by the worst of them.

use std::{path::Path, process::ExitCode, sync::Arc, time::Duration};

use shared::{plain, standing::Mark, time::Clock};

use crate::{
    config::{self, Passwords},
    failure::{Failed, exit},
    health::checks::{self, Looked},
};

const LIMIT: Duration = Duration::from_secs(20);

pub fn run(path: &Path, json: bool) -> Result<ExitCode, Failed> {
    let config = Arc::new(config::load_as_service(path, Passwords::None)?);
    let looked = Looked {
        state: config.state(),
        config,
        file: path.to_owned(),
        now: logbook::SystemClock.now(),
    };
    let lines = checks::run(&looked, LIMIT);
    if json {
        let mut lines = serde_json::to_value(&lines).map_err(|e| Failed::new(exit::SOFTWARE, e))?;
        plain::message(&mut lines);
        println!("{lines:#}");
    } else {
        for line in &lines {
            println!(
                "{} {}: {}",
                line.mark.sign(),
                plain::one_line(&line.what),
                plain::one_line(&line.text)
            );
            if let Some(next) = line.next {
                println!("    {next}");
            }
        }
    }
    Ok(ExitCode::from(match lines.iter().map(|l| l.mark).max() {
        Some(Mark::Red) => 2,
        Some(Mark::Amber | Mark::Unknown) => 1,
        Some(Mark::Good) | None => 0,
    }))
}
