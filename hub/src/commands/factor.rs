//! Wiring. `beadle-hub factor code|list|remove`: the second factors of whoever gives the command.

use std::io::{BufRead, Write};

use clap::Subcommand;

use super::{client::Client, terminal::print_json};
use crate::{failure::CommandError, ops::own};

#[derive(Subcommand)]
pub enum Command {
    /// Have the codes of an app as a second factor: prints what the app is told, and asks for a code it shows
    Code {
        /// What you call it
        #[arg(default_value = "phone")]
        label: String,
    },
    /// Your second factors
    List {
        #[arg(long)]
        json: bool,
    },
    /// Take one away; `factor list` shows its number
    Remove { factor: u64 },
}

pub fn run(hub: &Client, command: Command) -> Result<(), CommandError> {
    let password = || {
        let who = hub.who().map(|who| who.password.clone());
        who.ok_or_else(|| CommandError::Plain("say whose: give the command --as NAME".into()))
    };
    match command {
        Command::Code { label } => {
            let password = password()?;
            let new = hub.ask(&own::FreshFactor {})?;
            println!("secret {}\n{}", new.secret, new.uri);
            print!("The six digits it shows now: ");
            std::io::stdout().flush()?;
            let mut code = String::new();
            std::io::stdin().lock().read_line(&mut code)?;
            let made = hub.ask(&own::AddCode {
                label,
                secret: new.secret,
                code: code.trim().into(),
                password,
            })?;
            println!(
                "second factor {}; from now on give --code with your commands",
                made.factor
            );
        }
        Command::List { json } => {
            let rows = hub.all(|part| own::Factors { part })?;
            if json {
                return print_json(&rows);
            }
            let zone = hub.zone()?;
            for f in rows {
                let used = f.used.map_or("not used yet".into(), |t| {
                    format!("used {}", t.for_people(&zone))
                });
                println!(
                    "{:>4}  {:<8} {}  since {}  {used}",
                    f.factor,
                    f.kind,
                    f.label,
                    f.made.for_people(&zone)
                );
            }
        }
        Command::Remove { factor } => {
            let password = password()?;
            hub.ask(&own::RemoveFactor { factor, password })?;
            println!("second factor {factor} is worth nothing any more");
        }
    }
    Ok(())
}
