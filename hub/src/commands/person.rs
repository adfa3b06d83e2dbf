//! Wiring. The person a command is given as, and their password.

use std::{
    io::{BufRead, IsTerminal},
    path::{Path, PathBuf},
};

use super::CommandError;
use crate::signin::SignIn;

/// Who a command is given as.
#[derive(clap::Args)]
pub struct Person {
    /// Your staff account, for what a person has to answer for; its password is asked for
    #[arg(id = "as", long = "as", value_name = "NAME", global = true)]
    pub(super) name: Option<String>,
    /// Read the password from this file instead
    #[arg(long, value_name = "FILE", requires = "as", global = true)]
    pub(super) password_file: Option<PathBuf>,
    /// The code your phone's app shows, if your account has one as a second factor; not needed again for ten minutes
    #[arg(long, value_name = "DIGITS", requires = "as", global = true)]
    pub(super) code: Option<String>,
}

/// Name and password, from a file or from whoever types it.
pub fn sign_in(name: &str, password_file: Option<&Path>) -> Result<SignIn, CommandError> {
    let plain = |what: &str, e: std::io::Error| CommandError::Plain(format!("{what}: {e}"));
    let text = match password_file {
        Some(path) => std::fs::read_to_string(path).map_err(|e| {
            plain(
                &format!("the password cannot be read from {}", path.display()),
                e,
            )
        })?,
        None => {
            let terminal = std::io::stdin().is_terminal();
            if terminal {
                eprint!("Password of {name}: ");
                echo(false);
            }
            let mut line = String::new();
            let read = std::io::stdin().lock().read_line(&mut line);
            if terminal {
                echo(true);
                eprintln!();
            }
            read.map_err(|e| plain("the password cannot be read", e))?;
            line
        }
    };
    Ok(SignIn {
        name: name.to_owned(),
        password: text.trim_end_matches(['\n', '\r']).to_owned(),
        code: None,
    })
}

/// What is typed is not shown. Without stty it is, as a terminal does; the password is taken all the same.
fn echo(on: bool) {
    let _ = std::process::Command::new("stty")
        .arg(if on { "echo" } else { "-echo" })
        .status();
}
