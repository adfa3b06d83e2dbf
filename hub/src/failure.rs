//! Pure. How a command ends when it cannot go on.

use crate::{config::ConfigErrors, db::DbError, files::FileError, keys::KeyError, link::LinkError};

#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error("{0}")]
    Plain(String),
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(transparent)]
    Web(#[from] crate::web::WebError),
    #[error(transparent)]
    Log(#[from] logbook::LogError),
    #[error("cannot write to the terminal: {0}")]
    Print(#[from] std::io::Error),
}

impl CommandError {
    pub fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(self)
    }
}
