//! Adapter: Unix socket. A command's side of `run/hub.sock`.

use std::{
    io::{BufRead, BufReader, ErrorKind, Write},
    os::unix::net::UnixStream,
    path::Path,
};

use shared::plain;

use super::CommandError;
use crate::control::{Ask, Told, socket};

/// Asks the running hub; `each` sees every answer but the last. An answer `Failed` is the error.
pub fn ask(
    state: &Path,
    ask: &Ask,
    mut each: impl FnMut(Told) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    let path = socket(state);
    let mut stream = UnixStream::connect(&path).map_err(|e| {
        CommandError::Plain(match e.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => format!(
                "the hub is not running on {}; start it with `beadle-hub run --state {0}` (or systemctl start beadle-hub)",
                state.display()
            ),
            ErrorKind::PermissionDenied => format!("no permission to talk to the hub on {}; be root or the hub's own user", state.display()),
            _ => format!("cannot talk to the hub over {}: {e}", path.display()),
        })
    })?;
    let went =
        |e: std::io::Error| CommandError::Plain(format!("the hub stopped while it was asked: {e}"));
    let mut line = serde_json::to_vec(ask).map_err(|e| CommandError::Plain(e.to_string()))?;
    line.push(b'\n');
    stream.write_all(&line).map_err(went)?;
    for line in BufReader::new(stream).lines() {
        // What a box said, in whatever answer, goes to a terminal: it is seen to here, once for all commands.
        let told = serde_json::from_str(&line.map_err(went)?).and_then(|mut told| {
            plain::message(&mut told);
            serde_json::from_value(told)
        });
        match told {
            Ok(Told::Done) => return Ok(()),
            Ok(Told::Failed { why }) => return Err(CommandError::Plain(why)),
            Ok(told) => each(told)?,
            Err(e) => {
                return Err(CommandError::Plain(format!(
                    "the hub's answer was not understood (is it older than this program?): {e}"
                )));
            }
        }
    }
    Err(CommandError::Plain(
        "the hub stopped while it was asked".into(),
    ))
}
