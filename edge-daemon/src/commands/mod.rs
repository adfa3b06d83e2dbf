//! Wiring. The command line: one file per command; the only files that print.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{CommandFactory, Parser, Subcommand};

use crate::failure::{Failed, chain, exit};

pub mod camera;
pub mod check_config;
pub mod doctor;
pub mod enrol;
pub mod index;
pub mod log;
pub mod mask;
pub mod reader;
pub mod run;
pub mod status;
pub mod volume;

/// Where the configuration is looked for when no `--config` is given.
const CONFIG: &str = "/etc/beadle/edge.toml";

#[derive(Debug, Parser)]
#[command(
    name = "beadle-edge",
    version,
    about = "Records a town's CCTV and keeps the scheme's promises about it"
)]
pub struct Line {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Record: run the box until it is told to stop
    Run {
        #[arg(long, default_value = CONFIG)]
        config: PathBuf,
    },
    /// The process that alone holds footage keys; runs beside `run`, as its own user
    Reader {
        #[arg(long, default_value = CONFIG)]
        config: PathBuf,
        /// Move the root key from its file to the TPM, and end; the reader must be stopped
        #[arg(long, value_name = "tpm", value_parser = ["tpm", "file"])]
        move_root: Option<String>,
    },
    /// Claim this box's name at the hub with the one-time code from `beadle-hub box add`
    Enrol {
        #[arg(long, default_value = CONFIG)]
        config: PathBuf,
        /// Enrol anew a box that is enrolled already
        #[arg(long)]
        again: bool,
        /// Where the hub is, where neither the code nor the configuration says it, or says it right
        #[arg(long, value_name = "HOST:PORT")]
        hub: Option<String>,
        /// The code, in as many words as it was copied in
        #[arg(required = true)]
        code: Vec<String>,
    },
    /// Read a configuration and say all that is wrong with it
    CheckConfig {
        #[arg(default_value = CONFIG)]
        config: PathBuf,
    },
    /// Look at cameras, disks, clock, link, certificate and log, and say what to do next
    Doctor {
        #[arg(long, default_value = CONFIG)]
        config: PathBuf,
        #[arg(long)]
        json: bool,
    },
    /// How the running box is
    Status {
        #[arg(long, default_value = CONFIG)]
        config: PathBuf,
        #[arg(long)]
        json: bool,
    },
    /// Privacy masks: in words, and drawn on a picture before the box is enrolled
    Mask {
        #[command(subcommand)]
        command: MaskCommand,
    },
    /// What the box remembers of a camera
    Camera {
        #[command(subcommand)]
        command: CameraCommand,
    },
    /// The derived index of footage
    Index {
        #[command(subcommand)]
        command: IndexCommand,
    },
    /// The audit log
    Log {
        #[command(subcommand)]
        command: LogCommand,
    },
    /// Disks that footage is recorded to
    Volume {
        #[command(subcommand)]
        command: VolumeCommand,
    },
    /// Write the manual pages of all commands into a folder
    #[command(hide = true)]
    Man { folder: PathBuf },
}

#[derive(Debug, Subcommand)]
pub enum MaskCommand {
    /// A camera's mask as the configuration has it
    Show {
        camera: String,
        /// Draw it on what the camera sees now, into this new JPEG file; only before the box is enrolled
        #[arg(long)]
        out: Option<PathBuf>,
        #[arg(long, default_value = CONFIG)]
        config: PathBuf,
    },
    /// Say all that is wrong with a mask that is not in force yet
    Check {
        camera: String,
        /// TOML with the keys of [camera.mask]
        file: PathBuf,
        /// Draw it on what the camera sees now, into this new JPEG file; only before the box is enrolled
        #[arg(long)]
        out: Option<PathBuf>,
        #[arg(long, default_value = CONFIG)]
        config: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub enum CameraCommand {
    /// Accept the certificate that an rtsps:// camera shows now, in the place of the one it showed before
    Accept {
        camera: String,
        #[arg(long, default_value = CONFIG)]
        config: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub enum IndexCommand {
    /// Read the whole log into a new index
    Rebuild {
        #[arg(long, default_value = CONFIG)]
        config: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub enum LogCommand {
    /// Close the present log as it is and begin the next one: of a box whose log the hub refuses for good, or that moves to another
    /// scheme or name; the recorder must be stopped
    Succeed {
        /// Why, for the log: 10 to 200 characters, nobody's name
        #[arg(long)]
        reason: String,
        #[arg(long, default_value = CONFIG)]
        config: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub enum VolumeCommand {
    /// Say that a disk is this box's to record on
    Label {
        /// Folder where the disk is mounted
        path: PathBuf,
        #[arg(long, default_value = CONFIG)]
        config: PathBuf,
        /// Recording on the system disk is meant
        #[arg(long)]
        system_disk: bool,
    },
}

/// Before a command writes below the state folder: what root writes there, the services could not read.
fn as_owner(config: &crate::config::Config) -> Result<(), Failed> {
    let recorder = config.state().recorder();
    logbook::act_as_owner(&recorder).map_err(|e| {
        let text = format!(
            "root cannot go on as the owner of {}: {e}; nothing was done",
            recorder.display()
        );
        Failed::new(exit::IO, text)
    })
}

/// The manual pages, one a command, from the command line itself.
fn man(folder: &Path) -> Result<ExitCode, Failed> {
    clap_mangen::generate_to(Line::command(), folder)
        .map(|()| ExitCode::SUCCESS)
        .map_err(|e| Failed::new(exit::IO, format!("{}: {e}", folder.display())))
}

/// Runs one command; prints what went wrong.
pub fn run(line: Line) -> ExitCode {
    let result = match line.command {
        Command::Enrol {
            config,
            again,
            hub,
            code,
        } => enrol::run(&config, &code.concat(), hub.as_deref(), again),
        Command::Run { config } => run::run(&config),
        Command::Reader {
            config,
            move_root: Some(to),
        } => reader::move_root(&config, &to),
        Command::Reader { config, .. } => reader::run(&config),
        Command::CheckConfig { config } => check_config::run(&config),
        Command::Doctor { config, json } => doctor::run(&config, json),
        Command::Status { config, json } => status::run(&config, json),
        Command::Mask {
            command:
                MaskCommand::Show {
                    camera,
                    out,
                    config,
                },
        } => mask::show(&config, &camera, out),
        Command::Mask {
            command:
                MaskCommand::Check {
                    camera,
                    file,
                    out,
                    config,
                },
        } => mask::check(&config, &camera, &file, out),
        Command::Camera {
            command: CameraCommand::Accept { camera, config },
        } => camera::accept(&config, &camera),
        Command::Index {
            command: IndexCommand::Rebuild { config },
        } => index::rebuild(&config),
        Command::Log {
            command: LogCommand::Succeed { reason, config },
        } => log::succeed(&config, &reason),
        Command::Volume {
            command:
                VolumeCommand::Label {
                    path,
                    config,
                    system_disk,
                },
        } => volume::label(&config, &path, system_disk),
        Command::Man { folder } => man(&folder),
    };
    match result {
        Ok(code) => code,
        Err(failed) => {
            eprintln!(
                "beadle-edge: {}",
                shared::plain::lines(&chain(failed.error.as_ref()))
            );
            ExitCode::from(failed.code)
        }
    }
}
