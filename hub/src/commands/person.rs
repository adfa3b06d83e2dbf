//! Wiring. The person a command is given as, and their password.

use std::{
    io::{BufRead, IsTerminal},
    path::{Path, PathBuf},
};

use crate::{access::signin::SignIn, failure::CommandError};

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
    /// Give the command with a token of yours from this file instead: for what the token is for, without password and second factor
    #[arg(long, value_name = "FILE", conflicts_with = "as", global = true)]
    pub(super) token_file: Option<PathBuf>,
}

/// How a command shows whose it is.
pub enum Credential {
    SignIn(SignIn),
    Token(String),
}

impl Person {
    /// Asks for the password, if a person is named. None: the command is the console's.
    pub fn credential(&self) -> Result<Option<Credential>, CommandError> {
        if let Some(path) = &self.token_file {
            return Ok(Some(Credential::Token(token(path)?)));
        }
        let Some(name) = &self.name else {
            return Ok(None);
        };
        let mut who = sign_in(name, self.password_file.as_deref())?;
        who.code.clone_from(&self.code);
        Ok(Some(Credential::SignIn(who)))
    }
}

fn token(path: &Path) -> Result<String, CommandError> {
    let text = std::fs::read_to_string(path).map_err(|e| {
        CommandError::Plain(format!(
            "the token cannot be read from {}: {e}; nothing was done",
            path.display()
        ))
    })?;
    let token = text.trim();
    match !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic()) {
        true => Ok(token.into()),
        false => Err(CommandError::Plain(format!(
            "there is no token in {}; nothing was done. It is one word that begins with beadle_, as it was shown when it was made",
            path.display()
        ))),
    }
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
            let line = secret(&format!("Password of {name}"));
            line.map_err(|e| plain("the password cannot be read", e))?
        }
    };
    Ok(SignIn {
        name: name.to_owned(),
        password: text.trim_end_matches(['\n', '\r']).to_owned(),
        code: None,
    })
}

/// A line that somebody types, and that is not shown.
pub fn secret(of: &str) -> std::io::Result<String> {
    let terminal = std::io::stdin().is_terminal();
    if terminal {
        eprint!("{of}: ");
        echo(false);
    }
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    if terminal {
        echo(true);
        eprintln!();
    }
    read.map(|_| line)
}

/// What is typed is not shown. Without stty it is, as a terminal does; the password is taken all the same.
fn echo(on: bool) {
    let _ = std::process::Command::new("stty")
        .arg(if on { "echo" } else { "-echo" })
        .status();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SEC-2: a token is one word of a file; what is none is refused with the file's name, and never shown.
    #[test]
    fn a_token_is_one_word() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("token");
        let read = |text: &str| {
            std::fs::write(&path, text).expect("written");
            token(&path)
        };
        assert_eq!(read("beadle_00ff\n").ok().as_deref(), Some("beadle_00ff"));
        for none in ["", " \n", "two words", "beadle_00\u{1b}ff", "caf\u{e9}"] {
            let no = read(none).expect_err("no token").to_string();
            assert!(no.contains("there is no token in") && no.contains("nothing was done"));
            assert!(none.trim().is_empty() || !no.contains(none.trim()), "{no}");
        }
        let no = token(&dir.path().join("gone")).expect_err("no file");
        assert!(no.to_string().contains("cannot be read"));
    }
}
