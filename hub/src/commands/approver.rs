//! Wiring. `beadle-hub approver list|file|ask|approve|withdraw|call-off`.

use clap::Subcommand;
use shared::id::BoxName;

use super::{client::Client, terminal::print_json};
use crate::{
    failure::CommandError, ops::touches, orders::approvers::KeyRequest, supervise::load_config,
};

#[derive(Subcommand)]
pub enum Command {
    /// Passkeys of approvers, boxes that know some, and changes that wait for a second person
    List {
        #[arg(long)]
        json: bool,
    },
    /// The list that root pins at a box, as its hub/approvers.json
    File,
    /// Ask that a passkey of somebody's count at a box; a second person has to approve it, and both touch their own passkeys then
    Ask {
        /// The box
        name: String,
        /// Whose passkey
        account: String,
        /// Its first 16 letters, as `approver list` shows them
        #[arg(long)]
        key: String,
        /// It is to count no more
        #[arg(long)]
        remove: bool,
    },
    /// Approve what somebody else asked for
    Approve {
        /// Number of the request
        request: u64,
    },
    /// Take back a request that nobody has approved yet
    Withdraw {
        /// Number of the request
        request: u64,
    },
    /// Call off an order, of a lift too, that waits for people's passkeys
    CallOff {
        /// Number of the order
        order: u64,
    },
}

pub fn run(hub: &Client, command: Command) -> Result<(), CommandError> {
    let zone = load_config(hub.state())?.zone;
    match command {
        Command::List { json } => {
            let all = hub.ask(&touches::Approvers {})?;
            if json {
                return print_json(&all);
            }
            if all.keys.is_empty() {
                println!("no approver has a passkey");
            }
            for k in &all.keys {
                let at = match k.boxes.is_empty() {
                    true => "counts at no box".into(),
                    false => format!("counts at {}", k.boxes.join(", ")),
                };
                println!("{}   {} ({}), {}: {at}", k.key, k.account, k.who, k.label);
            }
            for b in all.boxes.iter().filter(|b| b.keys.is_empty()) {
                println!("{} takes approvals and knows no key", b.r#box);
            }
            for a in &all.waiting {
                println!(
                    "request {}: {} {} of {} at {}, asked by {} at {}, over at {}",
                    a.request,
                    a.what,
                    a.key,
                    a.account,
                    a.r#box,
                    a.asked_by,
                    a.made.for_people(&zone),
                    a.expires.for_people(&zone)
                );
            }
        }
        Command::File => {
            let all = hub.ask(&touches::Approvers {})?;
            let file = all.file.ok_or_else(|| {
                CommandError::Plain(
                    "there is no such list yet: it takes passkeys of two approvers at least, and a name of the hub that browsers know it by".into(),
                )
            })?;
            println!("{file}");
        }
        Command::Ask {
            name,
            account,
            key,
            remove,
        } => {
            let r#box = BoxName::parse(&name).map_err(|e| CommandError::Plain(e.to_string()))?;
            let wanted = KeyRequest {
                account,
                key,
                remove,
            };
            let asked = hub.ask(&touches::AskApprover { r#box, wanted })?;
            println!("{}", asked.request);
            eprintln!(
                "Nothing is changed yet: a second person approves it with `beadle-hub approver approve {} --as NAME` before {}.",
                asked.request,
                asked.expires.for_people(&zone)
            );
        }
        Command::Approve { request } => {
            let waits = hub.ask(&touches::ApproveApprover { request })?;
            println!("{}", waits.order);
            eprintln!(
                "The box takes the order once both of you have touched your passkeys, on the page /touches, before {}.",
                waits.until.for_people(&zone)
            );
        }
        Command::Withdraw { request } => {
            hub.ask(&touches::WithdrawApprover { request })?;
            println!("request {request} is withdrawn");
        }
        Command::CallOff { order } => {
            hub.ask(&touches::CallOff { order })?;
            println!("order {order} is called off; nothing is sent");
        }
    }
    Ok(())
}
