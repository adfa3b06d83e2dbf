//! Pure. The one function that says whether somebody may. A [`Permit`] is its only yes, nothing else makes one, and every act asks for it.

use shared::time::Utc;

use super::principal::{Person, Principal};
use crate::{
    error::HubError,
    model::{
        grant::{Grant, Scope},
        operation::Row,
        role::Role,
    },
    reason::Access,
};

/// Somebody may do this one operation.
#[derive(Clone, Debug)]
pub struct Permit {
    principal: Principal,
    row: &'static Row,
    /// What it was given for.
    subjects: Vec<Subject>,
    now: Utc,
}

impl Permit {
    /// Whoever does it, as lines of the hub's log name them.
    pub fn op(&self) -> String {
        self.principal.op()
    }

    /// Number of the account; 0: the console.
    pub fn number(&self) -> u32 {
        match &self.principal {
            Principal::Person(person) => person.op,
            Principal::Console => 0,
        }
    }

    pub fn name(&self) -> &str {
        self.principal.name()
    }

    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Whether they have one of these roles for the whole hub.
    pub fn has(&self, roles: &[Role]) -> bool {
        let Principal::Person(person) = &self.principal else {
            return false;
        };
        let mut held = person.grants.iter().filter(|g| g.holds_at(self.now));
        held.any(|g| g.scope == Scope::All && roles.contains(&g.role))
    }

    pub fn row(&self) -> &'static Row {
        self.row
    }

    /// What they have that this operation is for; None: nothing holds it back.
    pub fn grants(&self) -> Option<impl Iterator<Item = &Grant>> {
        let Principal::Person(person) = &self.principal else {
            return None;
        };
        let counts = |g: &&Grant| self.row.roles.contains(&g.role) && g.holds_at(self.now);
        Some(person.grants.iter().filter(counts))
    }

    /// The time it was given at.
    pub fn now(&self) -> Utc {
        self.now
    }

    /// Whether something of this camera is for this person to see: of lists, which show nobody the rest.
    pub fn sees(&self, camera: &Subject) -> bool {
        within(&self.principal, self.row, camera, self.now)
    }

    /// The second person's word for the same act, of whom the same is asked.
    pub fn second(&self, person: &Person) -> Result<Self, HubError> {
        let person = Principal::Person(person.clone());
        authorise_all(&person, self.row, self.subjects.clone(), self.now)
    }

    /// Of somebody who may, for tests of the rooms behind the door.
    #[cfg(test)]
    pub fn of_test(op: u32, name: &str) -> Self {
        Self {
            principal: Principal::Person(Person {
                op,
                name: name.into(),
                grants: Vec::new(),
                limits: Default::default(),
            }),
            row: &super::table::BOXES,
            subjects: Vec::new(),
            now: Utc(0),
        }
    }
}

/// What an operation is about, as far as the scope of a grant goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    pub camera: Option<shared::id::BoxCamera>,
    /// Who owns that camera.
    pub owner: Option<String>,
    /// The oldest footage it shows.
    pub from: Option<Utc>,
    /// All cameras there are: a role for some of them is not enough.
    pub whole: bool,
}

impl Subject {
    /// Nothing in particular; what lists leave out is up to [`Permit::sees`].
    pub fn hub() -> Self {
        Self::default()
    }

    /// The hub as a whole.
    pub fn whole() -> Self {
        Self {
            whole: true,
            ..Self::default()
        }
    }
}

pub const DAY_MS: i64 = 86_400_000;

fn within(principal: &Principal, row: &Row, subject: &Subject, now: Utc) -> bool {
    let Principal::Person(person) = principal else {
        return row.console;
    };
    if row.own {
        return true;
    }
    person.grants.iter().any(|g| {
        let cameras = match (&g.scope, &subject.camera) {
            (Scope::All, _) => true,
            (_, None) => !subject.whole,
            (Scope::Owner(owner), Some(_)) => subject.owner.as_ref() == Some(owner),
            (Scope::Cameras(cameras), Some(camera)) => cameras.contains(camera),
        };
        let young = match (g.oldest_days, subject.from) {
            (Some(days), Some(from)) => from.0 >= now.0 - i64::from(days) * DAY_MS,
            _ => true,
        };
        row.roles.contains(&g.role) && g.holds_at(now) && cameras && young
    })
}

/// Yes or no, in a sentence for that person (ROL-1, ROL-2, ROL-4). Whoever is not named in the row may not.
pub fn authorise(
    principal: &Principal,
    row: &'static Row,
    subject: &Subject,
    now: Utc,
) -> Result<Permit, HubError> {
    authorise_all(principal, row, vec![subject.clone()], now)
}

/// The same of something that concerns several cameras: yes only where it is yes to each.
pub fn authorise_all(
    principal: &Principal,
    row: &'static Row,
    subjects: Vec<Subject>,
    now: Utc,
) -> Result<Permit, HubError> {
    let person = match principal {
        Principal::Console if row.console => None,
        Principal::Console => {
            return Err(Access::PersonWanted { row }.into());
        }
        Principal::Person(person) => Some(person),
    };
    if let Some(person) = person {
        let roles = person.roles(now);
        if !row.own && !row.roles.iter().any(|role| roles.contains(role)) {
            return Err(Access::NotForRole {
                name: person.name.clone(),
                roles: roles.into_iter().collect(),
                row,
            }
            .into());
        }
        if let Some(beyond) = subjects
            .iter()
            .find(|subject| !within(principal, row, subject, now))
        {
            let name = person.name.clone();
            return Err(match (&beyond.camera, beyond.whole) {
                (None, true) => Access::NotForAllCameras { name, row },
                _ => Access::NotForThisCamera { name, row },
            }
            .into());
        }
        person.limits.check(&person.name, row)?;
    }
    Ok(Permit {
        principal: principal.clone(),
        row,
        subjects,
        now,
    })
}

#[cfg(test)]
mod tests {
    use shared::id::BoxCamera;

    use super::*;
    use crate::access::table;

    fn person(grants: Vec<Grant>) -> Principal {
        Principal::Person(Person {
            op: 3,
            name: "kim".into(),
            grants,
            limits: Default::default(),
        })
    }

    fn now() -> Utc {
        Utc::parse("2026-11-29T12:00:00.000Z").expect("time")
    }

    /// ROL-1, ROL-2: of every operation, exactly the roles of its row may; a person without a role may nothing.
    #[test]
    fn whoever_is_not_named_may_not() {
        for row in table::ALL {
            for role in Role::ALL {
                let who = person(vec![Grant::everywhere(role)]);
                let may = authorise(&who, row, &Subject::hub(), now()).is_ok();
                assert_eq!(may, row.roles.contains(&role), "{role} {}", row.name);
            }
            let nobody = authorise(&person(Vec::new()), row, &Subject::hub(), now());
            assert_eq!(nobody.is_ok(), row.own, "{}", row.name);
            let console = authorise(&Principal::Console, row, &Subject::hub(), now());
            assert_eq!(console.is_ok(), row.console, "{}", row.name);
        }
        let who = person(vec![Grant::everywhere(Role::Inspector)]);
        let no = authorise(&who, &table::CLIP_VIEW, &Subject::hub(), now()).expect_err("no");
        assert_eq!(
            no.to_string(),
            "kim is an inspector here, and may not watch a clip; that takes one of: operator, supervisor, coordinator, approver"
        );
    }

    /// ROL-4: a role is for the cameras, the days and the time it was given for.
    #[test]
    fn a_grant_has_bounds() {
        let camera = |text: &str| BoxCamera::parse(text).expect("camera");
        let of = |cam: &str, owner: &str, from: Option<Utc>| Subject {
            camera: Some(camera(cam)),
            owner: Some(owner.into()),
            from,
            whole: false,
        };
        let mut grant = Grant {
            scope: Scope::Owner("tenby".into()),
            ..Grant::everywhere(Role::Operator)
        };
        let may = |grant: &Grant, subject: &Subject| {
            authorise(
                &person(vec![grant.clone()]),
                &table::FOOTAGE,
                subject,
                now(),
            )
            .is_ok()
        };
        assert!(may(&grant, &of("ashby/c01", "tenby", None)));
        assert!(may(&grant, &Subject::hub()));
        assert!(!may(&grant, &Subject::whole()));
        assert!(!may(&grant, &of("ashby/c01", "ashby", None)));
        grant.scope = Scope::Cameras([camera("ashby/c02")].into());
        assert!(!may(&grant, &of("ashby/c01", "ashby", None)));
        assert!(may(&grant, &of("ashby/c02", "ashby", None)));
        grant.oldest_days = Some(7);
        let old = now().plus_ms(-8 * DAY_MS);
        assert!(!may(&grant, &of("ashby/c02", "ashby", Some(old))));
        let young = now().plus_ms(-6 * DAY_MS);
        assert!(may(&grant, &of("ashby/c02", "ashby", Some(young))));
        grant.until = Some(now());
        assert!(!may(&grant, &of("ashby/c02", "ashby", Some(young))));
    }
}
