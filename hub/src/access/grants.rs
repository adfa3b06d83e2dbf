//! Task. Roles given to accounts and taken away (ROL-1, ROL-4). Two administrators give one that
//! decides, and one for the own account. Blocking.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use shared::{
    id::BoxCamera,
    time::{Utc, Zone},
    types::{OpAsk, OpGrant, OpRevoke},
};
use utoipa::ToSchema;

use super::{accounts, approvals, authorise::Permit, owners, table::roles::ADMINISTER};
use crate::{
    db::grants::GrantRecord,
    error::{HubError, plain},
    hub::Hub,
    model::{
        approval::Kind,
        grant::{Grant, Scope},
        role::{Role, WEIGHTY},
    },
    ownlog::op,
    reason::Access,
};

/// Cameras that one grant may name.
const CAMERAS: usize = 32;

/// What a role is given for. Exactly one of the first three says which cameras.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Bounds {
    #[serde(default)]
    pub all: bool,
    /// The cameras of one owner.
    #[serde(default)]
    pub owner: Option<String>,
    /// BOX/CAM
    #[serde(default)]
    pub cameras: Vec<String>,
    /// Footage older than so many days is not theirs to see.
    #[serde(default)]
    pub oldest_days: Option<u32>,
    #[serde(default)]
    pub until: Option<Utc>,
}

impl Bounds {
    pub fn of(grant: &Grant) -> Self {
        let mut bounds = Self {
            all: grant.scope == Scope::All,
            oldest_days: grant.oldest_days,
            until: grant.until,
            ..Self::default()
        };
        match &grant.scope {
            Scope::All => {}
            Scope::Owner(owner) => bounds.owner = Some(owner.clone()),
            Scope::Cameras(cameras) => {
                bounds.cameras = cameras.iter().map(BoxCamera::to_string).collect();
            }
        }
        bounds
    }

    /// What the role is for, in a sentence for people.
    pub fn in_words(&self, zone: &Zone) -> String {
        let mut text = match (&self.owner, self.all) {
            (_, true) => "all cameras".to_owned(),
            (Some(owner), false) => format!("cameras of {owner}"),
            (None, false) => self.cameras.join(" "),
        };
        if let Some(days) = self.oldest_days {
            text += &format!(", footage of the last {days} days");
        }
        if let Some(until) = self.until {
            text += &format!(", until {}", until.for_people(zone));
        }
        text
    }

    fn grant(&self, hub: &Hub, role: &str) -> Result<Grant, HubError> {
        let role = Role::parse(role).ok_or_else(|| Access::RoleUnknown { role: role.into() })?;
        let scope = match (self.all, &self.owner, self.cameras.len()) {
            (true, None, 0) => Scope::All,
            (false, Some(owner), 0) => {
                owners::known(hub, owner)?;
                Scope::Owner(owner.clone())
            }
            (false, None, 1..=CAMERAS) => {
                let cameras = self.cameras.iter().map(|c| BoxCamera::parse(c));
                let cameras: Result<BTreeSet<_>, _> = cameras.collect();
                Scope::Cameras(cameras?)
            }
            _ => {
                return Err(Access::RoleForWhichCameras { most: CAMERAS }.into());
            }
        };
        if self.until.is_some_and(|until| until <= hub.now()) {
            return Err(Access::RoleEndsBeforeItBegins.into());
        }
        Ok(Grant {
            role,
            scope,
            oldest_days: self.oldest_days,
            until: self.until,
        })
    }
}

/// A role of an account, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GrantRow {
    pub grant: u64,
    pub role: String,
    #[serde(flatten)]
    pub bounds: Bounds,
    pub by: String,
    pub made: Utc,
}

impl GrantRow {
    pub fn of(g: &GrantRecord) -> Self {
        Self {
            grant: g.n,
            role: g.grant.role.word().into(),
            bounds: Bounds::of(&g.grant),
            by: g.by.clone(),
            made: g.made,
        }
    }
}

/// What became of it: the role was given, or somebody else has to approve it first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = RoleGiven)]
pub enum GrantOutcome {
    Grant(u64),
    Ask(u64),
}

/// What a request for a role says.
#[derive(Serialize, Deserialize)]
struct RoleRequest {
    op: u32,
    role: String,
    bounds: Bounds,
}

fn line(n: u64, account: u32, grant: &Grant, ask: Option<u64>, by: Vec<String>) -> OpGrant {
    let bounds = Bounds::of(grant);
    OpGrant {
        grant: n,
        op: op(account),
        role: grant.role.word().into(),
        scope: grant.scope.word().into(),
        owner: bounds.owner,
        cams: bounds.cameras,
        oldest_days: grant.oldest_days.map(u64::from),
        until: grant.until,
        ask,
        by,
    }
}

/// Asks a second administrator for a role; the number of the request.
pub fn ask(
    hub: &Hub,
    account: u32,
    role: Role,
    bounds: &Bounds,
    permit: &Permit,
) -> Result<u64, HubError> {
    let wanted = RoleRequest {
        op: account,
        role: role.word().into(),
        bounds: bounds.clone(),
    };
    approvals::ask(hub, permit, Kind::Role, &op(account), &wanted, |ask| {
        OpAsk {
            ask,
            what: Kind::Role.word().into(),
            op: op(account),
            role: Some(role.word().into()),
            by: vec![permit.op()],
        }
    })
}

/// One that decides, and one for the own account, is only asked for.
pub fn give(
    hub: &Hub,
    name: &str,
    role: &str,
    bounds: &Bounds,
    permit: &Permit,
) -> Result<GrantOutcome, HubError> {
    let account = accounts::open(hub, name)?;
    let grant = bounds.grant(hub, role)?;
    if account.op == permit.number() || WEIGHTY.contains(&grant.role) {
        let n = ask(hub, account.op, grant.role, bounds, permit)?;
        return Ok(GrantOutcome::Ask(n));
    }
    hub.act(|tx| {
        let by = permit.op();
        let n = tx
            .add_grant(account.op, &grant, &by, hub.now())
            .map_err(plain)?;
        let line = line(n, account.op, &grant, None, vec![by.clone()]);
        tx.log(&by, &line)?;
        Ok(GrantOutcome::Grant(n))
    })
}

/// The second administrator's word; the number of the grant.
pub fn approve(
    hub: &Hub,
    request: &crate::db::approvals::ApprovalRecord,
    permit: &Permit,
) -> Result<u64, HubError> {
    let asked = op(request.asked_by);
    approvals::approve(hub, request, permit, |tx, wanted: RoleRequest| {
        // What was true when it was asked for need not be now.
        let grant = wanted.bounds.grant(hub, &wanted.role)?;
        let account = hub.db.account_numbered(wanted.op).map_err(plain)?;
        let open = account
            .filter(|a| a.closed.is_none())
            .ok_or_else(|| Access::AccountClosed {
                account: op(wanted.op),
            })?;
        if open.once {
            return Err(Access::AccountNotTheirsYet { name: open.name }.into());
        }
        // A second administrator vouches that it is one person's own.
        tx.end_hands(wanted.op, hub.now())?;
        let by = format!("{asked} {}", permit.op());
        let n = tx
            .add_grant(wanted.op, &grant, &by, hub.now())
            .map_err(plain)?;
        let by = vec![asked.clone(), permit.op()];
        let line = line(n, wanted.op, &grant, Some(request.n), by);
        tx.log(&permit.op(), &line)?;
        Ok(n)
    })
}

/// At once: sessions of that account end, and with them whatever it follows.
pub fn take(hub: &Hub, n: u64, permit: &Permit) -> Result<(), HubError> {
    let missing = || HubError::from(Access::RoleNotHeld { grant: n });
    hub.act(|tx| {
        let grant = tx.grant(n).map_err(plain)?.ok_or_else(missing)?;
        someone_left(hub, |g| g.n != n)?;
        if !tx.end_grant(n, hub.now()).map_err(plain)? {
            return Err(missing());
        }
        let line = OpRevoke {
            grant: n,
            op: op(grant.op),
            by: vec![permit.op()],
        };
        tx.log(&permit.op(), &line)?;
        tx.end_sessions(grant.op)?;
        Ok(grant.op)
    })
    .map(|op| hub.sessions.forget(op))
}

/// Refuses to leave a hub that nobody administers. `left`: the roles that there still are afterwards.
pub fn someone_left(hub: &Hub, left: impl Fn(&GrantRecord) -> bool) -> Result<(), HubError> {
    let open: BTreeSet<u32> = hub
        .db
        .accounts()
        .map_err(plain)?
        .into_iter()
        .filter(|a| a.closed.is_none())
        .map(|a| a.op)
        .collect();
    let all = hub.db.all_grants().map_err(plain)?;
    let administers = |g: &&GrantRecord| {
        open.contains(&g.op)
            && ADMINISTER.contains(&g.grant.role)
            && g.grant.scope == Scope::All
            && g.grant.until.is_none()
    };
    let had = all.values().flatten().filter(administers).count();
    let has = all
        .values()
        .flatten()
        .filter(administers)
        .filter(|g| left(g));
    if had > 0 && has.count() == 0 {
        return Err(Access::LastAdministrator.into());
    }
    Ok(())
}
